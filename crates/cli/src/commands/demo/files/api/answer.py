"""Answers to those who ask for the weather."""

import os
from dataclasses import dataclass

from packaging.licenses import canonicalize_license_expression

from measures import fahrenheit

PORTS = {"boston": 10.0, "kobe": 15.0, "oslo": 4.5}


@dataclass
class Answer:
    """What a caller gets."""

    port: str
    celsius: float
    license: str

    @property
    def fahrenheit(self):
        return fahrenheit(self.celsius)


def answer(port):
    """The weather of a port."""
    return Answer(port, PORTS[port], canonicalize_license_expression("cc-by-4.0"))


def ports():
    """All ports, in order. With `WHARF_DEMO_FAIL` set, one gets lost."""
    known = sorted(PORTS)
    return known[:-1] if os.environ.get("WHARF_DEMO_FAIL") else known
