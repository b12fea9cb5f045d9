"""Rows of a weather station's file."""

from dataclasses import dataclass

from packaging.version import parse

from measures import celsius


@dataclass(frozen=True)
class Reading:
    """One measurement."""

    port: str
    celsius: float


def read(text):
    """The readings of a file: lines of port, temperature, unit. Rows without a value are left out."""
    rows = (line.split(",") for line in text.splitlines())
    return [Reading(port, celsius(float(value), unit)) for port, value, unit in rows if value]


def newest(releases):
    """The newest of a station's firmware releases, of which the oldest have no proper version (`spring-2004`)."""
    return max(releases, key=parse)
