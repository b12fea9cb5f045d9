import pytest

from etl.reading import Reading, newest, read


@pytest.mark.parametrize(
    ("row", "celsius"),
    [("oslo,4.5,C", 4.5), ("boston,50,F", 10.0), ("kobe,288.15,K", 15.0)],
)
def test_units_become_celsius(row, celsius):
    (reading,) = read(row)
    assert reading.celsius == pytest.approx(celsius)


def test_rows_without_a_value_are_left_out():
    assert read("oslo,,C\nkobe,15,C") == [Reading("kobe", 15.0)]


def test_releases_without_a_proper_version_are_the_oldest():
    # `packaging` refuses such names since 22.0: this dir has to stay with 21.3.
    with pytest.warns(DeprecationWarning):
        assert newest(["1.2", "spring-2004", "1.10"]) == "1.10"
