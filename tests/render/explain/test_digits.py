"""Numbers as they are written: with their sign, in the same digits, and never as 0 what is not."""

import math

import pytest

from bert_inspect.render.explain.digits import decimals, plain, short, signed, size, strengths


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.8123, "+0.8123"),
        (-2.5, "-2.5000"),
        (0.0, "0.0000"),
        (-0.0, "0.0000"),
        (3e-6, "+3e-6"),
        (-2e-5, "-2e-5"),
        (6e-5, "+0.0001"),
        (123456.0, "+1.235e+05"),
        ("NaN", "nan"),
        ("Infinity", "+inf"),
        ("-Infinity", "-inf"),
    ],
)
def test_a_share_has_its_sign(value: float, written: str) -> None:
    assert signed(value) == written  # type: ignore[arg-type]


def test_a_number_has_a_sign_only_where_it_is_negative() -> None:
    assert [plain(value) for value in (1.5, -1.5, 0.0, -0.0)] == ["1.5000", "-1.5000", "0.0000", "0.0000"]


def test_the_largest_share_has_four_significant_digits() -> None:
    for largest in (3.2, 0.4, 0.0321, 0.00123, 12.0, 4e-5):
        digits = decimals([largest, -largest / 10, 0.0, "NaN"])
        written = signed(largest, digits).lstrip("+-0.").replace(".", "")
        assert len(written) >= 4 and float(signed(largest, digits)) == pytest.approx(largest, rel=1e-3)
    assert decimals([]) == decimals([0.0]) == 4


@pytest.mark.parametrize("width", [4, 6])
def test_in_a_cell_a_share_keeps_its_sign_and_its_room(width: int) -> None:
    for value in (0.8449, -0.0514, 1.25, -9.96, 12.3, -99.7, 0.999, -0.9999, 123.4, 1e6, -3e-5):
        text = short(value, width)
        assert len(text) <= max(width, 5) and (text == "·" or text[0] == ("+" if value > 0 else "-"))
        if text != "·":
            assert float(text) == pytest.approx(value, abs=0.06 * max(1.0, abs(value)))
    assert short(0.0, width) == "0" and short(1e-5, width) == "·" and short("NaN", width) == "nan"


def test_an_error_has_one_digit() -> None:
    assert [size(value) for value in (3.2e-7, -1e-6, 0.0, 0.0123, "NaN")] == ["3e-7", "1e-6", "0", "0.012", "nan"]


def test_how_strong_a_share_is_follows_from_the_largest() -> None:
    assert strengths([1.0, -2.0, 0.0, "NaN"]) == [0.5, -1.0, 0.0, 0.0]
    assert strengths([5.0], largest=2.0) == [1.0] and strengths([0.0, 0.0]) == [0.0, 0.0]
    assert not any(map(math.isnan, strengths(["Infinity", "NaN"])))
