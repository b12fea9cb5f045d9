import pytest

from api.answer import answer, ports


@pytest.mark.parametrize(("port", "fahrenheit"), [("boston", 50.0), ("kobe", 59.0), ("oslo", 40.1)])
def test_a_port_in_fahrenheit(port, fahrenheit):
    assert answer(port).fahrenheit == pytest.approx(fahrenheit)


def test_an_answer_carries_its_license():
    # `packaging` knows licenses since 24.2: this dir cannot have the version that `etl` needs.
    assert answer("oslo").license == "CC-BY-4.0"


def test_an_unknown_port_is_refused():
    with pytest.raises(KeyError):
        answer("atlantis")


def test_no_port_is_lost():
    # Fails on purpose with `WHARF_DEMO_FAIL=1`.
    assert ports() == ["boston", "kobe", "oslo"]
