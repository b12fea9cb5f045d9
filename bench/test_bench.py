"""Tests of what the measurements rest on: `python3 -m unittest discover bench`."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import samples
from engine import find_run, moment, plain
from measure import BenchError, Command, Limit, Measure, alternate, run_timed
from report import markdown
from rows import ROWS
from run import chosen


class PlainCommand(unittest.TestCase):
    def test_finds_the_run_among_other_lines(self):
        text = "engine: docker\n# it's a note\nFOO=1 docker run --rm \\\n  -v '/a b:/src/x' image true\n"
        self.assertEqual(find_run(text, "docker"), ["docker", "run", "--rm", "-v", "/a b:/src/x", "image", "true"])

    def test_says_what_was_printed_when_there_is_none(self):
        with self.assertRaisesRegex(BenchError, "nothing to do"):
            find_run("nothing to do\n", "docker")

    def test_keeps_what_the_container_is_and_drops_what_wharf_adds(self):
        words = ["docker", "run", "--rm", "--init", "--name", "w-1", "--label=dev.wharf.dir=d01", "-l", "a=b", "-i",
                 "--volume", "/r:/src/r", "-v/p:/opt:ro", "--user=0:0", "-w", "/src/r/d01", "-e", "A=1", "--stop-timeout", "5",
                 "img:1", "python", "-m", "pytest", "-v"]
        self.assertEqual(plain(words, "docker"), [
            "docker", "run", "--rm", "-i", "--volume", "/r:/src/r", "-v/p:/opt:ro", "--user=0:0", "-w", "/src/r/d01", "-e", "A=1",
            "img:1", "python", "-m", "pytest", "-v"])

    def test_context_before_run_and_end_of_options(self):
        self.assertEqual(plain(["podman", "--remote", "run", "--userns=keep-id", "--", "img", "true"], "podman"),
                         ["podman", "run", "--rm", "--userns=keep-id", "img", "true"])

    def test_without_image(self):
        with self.assertRaises(BenchError):
            plain(["docker", "run", "--rm", "-v", "/a:/b"], "docker")


class Moments(unittest.TestCase):
    def test_docker(self):
        self.assertEqual(moment({"time": 1, "timeNano": 1500000000}), 1.5)

    def test_podman(self):
        self.assertAlmostEqual(moment({"Time": "1970-01-01T01:00:01.250000000+01:00"}), 1.25)
        self.assertAlmostEqual(moment({"Time": "1970-01-01T00:00:02Z"}), 2)

    def test_whole_seconds_are_refused(self):
        with self.assertRaisesRegex(BenchError, "coarse"):
            moment({"time": 1700000000})


class Judging(unittest.TestCase):
    def setUp(self):
        self.measure = Measure("x", "s", [1.0, 2.0, 3.0], [], "peer", [2.0, 2.0, 4.0])

    def test_every_kind(self):
        for kind, number in (("median", 2.0), ("largest", 3.0), ("ratio", 1.0), ("faster", 1.0), ("difference", -1.0)):
            self.assertEqual(Limit(kind, 0).number(self.measure), number, kind)

    def test_at_the_limit_holds(self):
        self.assertTrue(Limit("ratio", 1.0).holds(self.measure))
        self.assertTrue(Limit("faster", 1.0).holds(self.measure))
        self.assertFalse(Limit("faster", 1.1).holds(self.measure))
        self.assertFalse(Limit("largest", 2.9).holds(self.measure))

    def test_table_has_each_measure_and_the_machine(self):
        self.measure.limits = [Limit("ratio", 0.5)]
        page = markdown([("run", [self.measure, Measure("size", "B", [2_000_000], [Limit("largest", 15_000_000)])])], {"cores": 2})
        self.assertIn("| run | x | 2.00 s | 2.00 s (peer) | 1 | 0.5 to 1 | 3 | ratio ≤ 0.5 × (is 1.00 ×) | **no** |", page)
        self.assertIn("largest ≤ 15.0 MB (is 2.0 MB) | yes |", page)
        self.assertIn("- cores: 2", page)


class Running(unittest.TestCase):
    def test_alternates_and_drops_warm_ups(self):
        order = []
        mine, peer = alternate(lambda: order.append("a") or len(order), lambda: order.append("b") or len(order), runs=2, warm_ups=1)
        self.assertEqual("".join(order), "ababab")
        self.assertEqual((mine, peer), ([3, 5], [4, 6]))

    def test_times_and_refuses_failures(self):
        here = Path(__file__).parent
        self.assertGreaterEqual(run_timed(Command(["sleep", "0.05"], here, dict(os.environ))), 0.05)
        with self.assertRaisesRegex(BenchError, "ended with 3\n.*\n  told you"):
            run_timed(Command(["sh", "-c", "echo told you; exit 3"], here, dict(os.environ)))

    def test_time_limit(self):
        with self.assertRaisesRegex(BenchError, "longer than 0.1 s"):
            run_timed(Command(["sleep", "5"], Path(__file__).parent, dict(os.environ), timeout=0.1))


class Rows(unittest.TestCase):
    def test_by_number_or_name_in_the_order_of_the_table(self):
        self.assertEqual(chosen(["8", "run"]), ["run", "size"])
        self.assertEqual(chosen([]), list(ROWS))
        with self.assertRaisesRegex(BenchError, "no row `speed`"):
            chosen(["speed"])

    def test_sample_has_as_many_files_as_it_says(self):
        with tempfile.TemporaryDirectory() as place:
            repo = samples.many_files(Path(place) / "wharf-bench-x", "base", areas=2, dirs_per_area=2)
            files = [found for found in repo.rglob("*") if found.is_file() and ".git" not in found.parts]
            self.assertEqual(len(files), 4 * 100 + 2)
            self.assertEqual(len(list(repo.rglob("devops"))), 4)


if __name__ == "__main__":
    unittest.main()
