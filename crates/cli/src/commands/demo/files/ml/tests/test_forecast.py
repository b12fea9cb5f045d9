import subprocess
from importlib.metadata import version

import pytest
from packaging.version import InvalidVersion, parse

from forecast import tomorrow


@pytest.mark.parametrize(
    ("days", "expected"),
    [([3.0], 3.0), ([1.0, 2.0, 3.0], 2.0), ([90.0, 1.0, 2.0, 3.0], 2.0)],
)
def test_tomorrow_is_like_the_last_days(days, expected):
    assert tomorrow(days) == pytest.approx(expected)


def test_nothing_gives_nothing():
    with pytest.raises(ValueError, match="nothing to forecast from"):
        tomorrow([])


def test_this_dir_is_an_importable_package():
    assert version("forecast") == "3.1.0"
    output = subprocess.run(["forecast", "50F", "20C"], capture_output=True, text=True, check=True).stdout
    assert output == "15.0 C\n"


def test_packaging_is_neither_that_of_etl_nor_that_of_api():
    assert version("packaging") == "22.0"
    with pytest.raises(InvalidVersion):
        parse("spring-2004")
