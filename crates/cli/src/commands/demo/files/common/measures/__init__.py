"""Temperatures in the units that people use."""


def celsius(value, unit):
    """A temperature in Celsius, from one in `C`, `F` or `K`."""
    if unit == "C":
        return value
    if unit == "F":
        return (value - 32) * 5 / 9
    if unit == "K":
        return value - 273.15
    raise ValueError(f"no unit: {unit!r}")


def fahrenheit(value):
    """A temperature in Fahrenheit, from one in Celsius."""
    return value * 9 / 5 + 32
