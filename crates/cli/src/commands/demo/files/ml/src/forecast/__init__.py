"""Tomorrow's temperature from the last days'."""

import sys

from measures import celsius


def tomorrow(days):
    """The mean of the last three days, in Celsius."""
    last = days[-3:]
    if not last:
        raise ValueError("nothing to forecast from")
    return sum(last) / len(last)


def main():
    """`forecast 50F 10C`: what comes after these days."""
    days = [celsius(float(word[:-1]), word[-1]) for word in sys.argv[1:]]
    print(f"{tomorrow(days):.1f} C")
