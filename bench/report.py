"""Says what was measured: a table in Markdown, a JSON file, and the machine it was measured on."""

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path

from measure import LIMITS


def said(*argv):
    """First line that a program prints, or `unknown`."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else "unknown"


def field_of(path, name):
    """Value of `name: value` in a file such as /proc/cpuinfo."""
    try:
        for line in Path(path).read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        pass
    return ""


def machine(engine, wharf):
    """What the numbers depend on."""
    memory = field_of("/proc/meminfo", "MemTotal").split()
    if engine == "docker":
        version = said("docker", "version", "--format", "client {{.Client.Version}}, server {{.Server.Version}}")
        storage = said("docker", "info", "--format", "{{.Driver}}")
    else:
        version = said("podman", "version", "--format", "{{.Client.Version}}")
        storage = said("podman", "info", "--format", "{{.Store.GraphDriverName}}")
    return {
        "cpu": field_of("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{int(memory[0]) / 1024 ** 2:.1f} GiB" if memory else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "engine": f"{engine} {version}, storage {storage}",
        "git": said("git", "--version"),
        "python": platform.python_version(),
        "wharf": said(str(wharf), "--version"),
        "load at start": " ".join(f"{value:.1f}" for value in os.getloadavg()),
    }


def amount(value, unit):
    """A number as people read it."""
    if unit == "B":
        return f"{value / 1e6:.1f} MB"
    if abs(value) < 0.9995:
        return f"{value * 1000:.1f} ms"
    return f"{value:.2f} s"


def judged(measure, limit):
    """A limit and the number it is held against."""
    sign, _ = LIMITS[limit.kind]
    number = limit.number(measure)
    what = {"ratio": "ratio ", "faster": "faster ", "difference": "difference ", "median": "", "largest": "largest "}[limit.kind]
    if limit.kind in ("ratio", "faster"):
        return f"{what}{sign} {limit.value:g} ×", f"{number:.2f} ×"
    return f"{what}{sign} {amount(limit.value, measure.unit)}", amount(number, measure.unit)


def spread(measure):
    """The ratios within pairs: lowest, highest."""
    ratios = measure.pair_ratios
    return f"{min(ratios):.3g} to {max(ratios):.3g}"


def row_of_table(row, measure):
    """One line of the table."""
    has_peer = bool(measure.peer_samples)
    limits = [judged(measure, limit) for limit in measure.limits]
    return " | ".join([
        f"| {row} | {measure.name}",
        amount(measure.median, measure.unit),
        f"{amount(measure.peer_median, measure.unit)} ({measure.peer})" if has_peer else "",
        f"{measure.ratio:.3g}" if has_peer else "",
        spread(measure) if has_peer else "",
        str(len(measure.samples)),
        "; ".join(f"{wanted} (is {number})" for wanted, number in limits),
        ("yes" if measure.holds else "**no**") + " |",
    ])


def markdown(results, about):
    """The page that `docs/performance.md` takes in, table and machine."""
    lines = [
        "| row | what | wharf, median | peer, median | ratio of medians | ratios of pairs | runs | must be | holds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [row_of_table(row, measure) for row, measures in results for measure in measures]
    notes = [f"- {row}, {measure.name}: {note}" for row, measures in results for measure in measures for note in measure.notes]
    if notes:
        lines += ["", *notes]
    lines += ["", "Measured on:", ""] + [f"- {key}: {value}" for key, value in about.items()]
    return "\n".join(lines) + "\n"


def as_data(results, about, failures):
    """Everything, for a file."""
    return {
        "machine": about,
        "failures": failures,
        "rows": [
            {
                "row": row, "what": measure.name, "unit": measure.unit, "samples": measure.samples, "median": measure.median,
                "peer": measure.peer or None, "peer_samples": measure.peer_samples,
                "peer_median": measure.peer_median if measure.peer_samples else None,
                "ratio_of_medians": measure.ratio if measure.peer_samples else None,
                "pair_ratios": measure.pair_ratios,
                "limits": [
                    {"kind": limit.kind, "value": limit.value, "is": limit.number(measure), "holds": limit.holds(measure)}
                    for limit in measure.limits
                ],
                "holds": measure.holds, "notes": measure.notes,
            }
            for row, measures in results for measure in measures
        ],
    }


def save(results, about, failures, folder):
    """Writes `results/<date>.json`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc)
    path = folder / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(as_data(results, about, failures), indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path
