"""Texts are measured as the font that the package carries draws them."""

import pytest

from bert_inspect.render.font import FAMILIES, cut, shortened, text_width, wrapped
from bert_inspect.render.raster import rasterized


def drawn(*texts: tuple[float, str], bold: bool) -> bytes:
    """A picture with texts that begin at places."""
    weight = 700 if bold else 400
    style = f"<style>text{{font-family:{FAMILIES};font-size:20px;font-weight:{weight}}}</style>"
    words = "".join(f'<text x="{x}" y="22">{text}</text>' for x, text in texts)
    return rasterized(f'<svg xmlns="http://www.w3.org/2000/svg" width="400" height="30">{style}{words}</svg>')


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["layers 0 to 11", "[2, 12, 9, 64]", "λόγος", "ĳ½√≤▁", "мир × 12"])
def test_a_text_ends_where_it_is_measured_to_end(text: str, bold: bool) -> None:
    together, width = drawn((4, f"{text}H"), bold=bold), text_width(text, 20, bold=bold)
    assert drawn((4, text), (4 + width, "H"), bold=bold) == together
    assert drawn((4, text), (4 + width + 0.5, "H"), bold=bold) != together


def test_what_the_font_lacks_is_not_measured_too_narrow() -> None:
    assert text_width("日本", 10) == 20 and text_width("🙂", 10) >= 12
    assert text_width("e\u0301", 10) == text_width("e", 10) + text_width("\u0301", 10)
    assert text_width("", 10) == text_width("\u200d", 10) == 0


def test_lines_are_no_wider_than_they_may_be() -> None:
    text = "one two  three " + "Donaudampfschifffahrt" * 3
    lines = list(wrapped(text, 12, 90, bold=True))
    assert all(text_width(line, 12, bold=True) <= 90 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert shortened("short", 12, 90) == "short" and cut("WWWW", 12, 1) == "W"
    short = shortened(text, 12, 90)
    assert short.endswith("…") and text.startswith(short[:-1]) and text_width(short, 12) <= 90
