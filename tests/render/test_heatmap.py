"""The heatmap in each terminal's colours: every number legible, nothing but colour added, padding hidden and told."""

import io
import re
from typing import Any

import pytest
from rich.color import Color
from rich.console import Console

from bert_inspect.render.heads.heatmap import Heatmap

TOKENS = ["[CLS]", "not", "bad", "[SEP]", "[PAD]", "[PAD]"]
HIDDEN = [False, False, False, False, True, True]
GRADED = [[(row * 6 + column) / 35 for column in range(6)] for row in range(6)]


def heatmap(*, padding: bool = False) -> Heatmap:
    return Heatmap(matrix=GRADED, queries=TOKENS, keys=TOKENS, hidden=HIDDEN, padding=padding)


def printed(product: Any, colors: Any, *, width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=colors, force_terminal=colors is not None).print(product)
    return stream.getvalue()


def luminance(rgb: tuple[int, int, int]) -> float:
    """Relative luminance, from its definition in WCAG 2.2."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in rgb)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def colours_of(codes: str, kind: str) -> tuple[int, int, int]:
    """Read a colour of an escape sequence: ``38`` is the text's, ``48`` the background's."""
    if true := re.search(rf"{kind};2;(\d+);(\d+);(\d+)", codes):
        red, green, blue = map(int, true.groups())
        return red, green, blue
    found = re.search(rf"{kind};5;(\d+)", codes)
    assert found is not None
    return tuple(Color.from_ansi(int(found[1])).get_truecolor())  # type: ignore[return-value]


@pytest.mark.parametrize("colors", ["truecolor", "256"])
def test_every_number_can_be_read_on_its_background(colors: str) -> None:
    filled = re.findall(r"\x1b\[([\d;]*48;[\d;]*)m *(\d+) ", printed(heatmap(padding=True), colors))
    assert [int(number) for _, number in filled] == [
        round(100 * share) for row in GRADED for share in row if share >= 0.1
    ]
    for codes, number in filled:
        assert contrast(colours_of(codes, "38"), colours_of(codes, "48")) >= 4.5, number
    strengths = [colours_of(codes, "48") for codes, _ in filled]
    steps = {("truecolor"): 10, "256": 4}
    assert len(set(strengths)) >= steps[colors]
    if colors == "256":
        assert "48;2;" not in printed(heatmap(), colors)


def test_sixteen_colours_are_used_in_pairs_that_every_scheme_tells_apart() -> None:
    text = printed(heatmap(padding=True), "standard")
    assert "38;" not in text and "48;" not in text
    styles = set(re.findall(r"\x1b\[([\d;]+)m *\d+ ", text)) - {"0"}
    assert styles == {"1", "30;46", "1;97;44"}  # bold; black on cyan; white on blue


@pytest.mark.parametrize("width", [30, 60, 100])
@pytest.mark.parametrize("colors", ["truecolor", "256", "standard"])
def test_colour_adds_nothing_but_colour(colors: str, width: int) -> None:
    bare = printed(heatmap(), None, width=width)
    assert "\x1b" not in bare
    assert re.sub(r"\x1b\[[\d;]*m", "", printed(heatmap(), colors, width=width)) == bare


def test_padding_is_hidden_and_told_unless_asked_for() -> None:
    hidden = printed(heatmap(), None)
    assert "[PAD]" not in hidden and "2 padding tokens hidden" in hidden
    rows = [line.split() for line in hidden.splitlines()[1:5]]
    assert [[int(cell.replace("·", "0")) for cell in row[1:]] for row in rows] == [
        [round(100 * share) for share in row[:4]] for row in GRADED[:4]
    ]
    every = printed(heatmap(padding=True), None)
    assert every.count("[PAD]") == 4 and "hidden" not in every


def test_without_padding_nothing_is_said_of_it() -> None:
    none = Heatmap(matrix=GRADED, queries=TOKENS, keys=TOKENS, hidden=[False] * 6)
    assert "hidden" not in printed(none, None)
