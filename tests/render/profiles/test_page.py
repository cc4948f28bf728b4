"""A profile in the terminal and as pictures: what is planted is named, every line has room."""

import base64
import html
import re
import zlib
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import shown as printed
from msgspec import structs
from profiles.made import Answer, Made
from rich.cells import cell_len

from bert_inspect.profiles.record import Profile
from bert_inspect.render.profiles.magnitude_map import MagnitudeMap
from bert_inspect.render.profiles.page import profile_page, profile_summary
from bert_inspect.render.profiles.picture import profile_svg
from bert_inspect.render.profiles.unit_rows import unit_page
from bert_inspect.render.profiles.view import View
from bert_inspect.render.report import profile_html

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e.txt"


def planted(**how: object) -> Made:
    answers = [Answer(index=at % 2, probability=0.5 + 0.005 * (at % 90), label=at % 3 % 2) for at in range(120)]
    made = Made(more={"scores": np.r_[np.arange(1000.0) / 500, 300, np.nan]}, answers=answers, examples=3, **how)  # type: ignore[arg-type]
    made.hidden[1:, :, 7] = 40
    made.hidden[2, 3, 9] = 2500
    made.units[1, :, 5] = 0
    made.units[2, :, 6] *= 1e-5
    made.heads["separator"][1, 2] = 0.9
    return made


@pytest.fixture(scope="module")
def profile() -> Profile:
    return planted().profile()


def shown(found: Profile, *, width: int = 120, **how: bool) -> str:
    return printed(profile_page(found, View(**how)), width=width)


def _page(found: Profile) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", profile_html(found).partition("<body>")[2]))


@pytest.mark.parametrize("drawn", [shown, profile_svg, _page], ids=["terminal", "picture", "page"])
def test_what_is_planted_is_named(profile: Profile, drawn: Callable[[Profile], str]) -> None:
    text = re.sub(r"\s+", " ", drawn(profile))
    assert re.search(r"dimension 7\W*35 times the median", text) and "in hidden states 1-3" in text
    assert re.search(r"massive activation, dimension 9\W*2500", text) and "scores: 1 NaN" in text
    assert "layer 1: head 2 looks at the separator (90.0 %, sink)" in text.replace("Layer", "layer")
    assert "1 is dead" in text and "1 is nearly dead" in text
    assert "untrained" not in text


@pytest.mark.parametrize("drawn", [shown, profile_svg, _page], ids=["terminal", "picture", "page"])
def test_of_random_weights_it_is_said_and_no_answer_is_shown(drawn: Callable[[Profile], str]) -> None:
    text = drawn(planted(weights="random").profile())
    assert "The weights are random: this profile describes an untrained model." in re.sub(r"\s+", " ", text)
    assert "positive" not in text and "calibration" not in text


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("every", [False, True])
def test_no_line_is_wider_than_the_terminal(profile: Profile, width: int, every: bool) -> None:
    lines = shown(profile, width=width, all=every).splitlines()
    assert max(map(cell_len, lines)) <= width
    titles = next(line for line in lines if "min" in line and line.startswith("  "))
    assert "max" in titles and "int8 error" in titles and ("histogram" in titles) == (width == 200)
    assert ("99 %" in titles) == ("1 %" in titles) == (width >= 120)


def test_of_units_that_nothing_can_be_told_of_nothing_is(profile: Profile) -> None:
    text = shown(Made().profile())
    assert "none is dead" in text and "no dimension stands out in half" in text and "sink" not in text


def test_a_step_that_returns_the_same_as_another_has_no_row(profile: Profile) -> None:
    rows = [
        line for line in shown(profile, all=True).splitlines() if "dropout" in line or line.startswith("layer norm")
    ]
    assert len(rows) == 1


def test_each_cell_of_the_map_is_the_largest_of_its_dimensions() -> None:
    sizes = np.ones(100)
    sizes[[13, 57]] = 7.0, 3.5
    lines = printed(MagnitudeMap(states={0: sizes}), width=33).splitlines()
    cells = lines[1][8:]
    assert "the largest of 4 dimensions" in " ".join(lines)
    assert cells == " " * 3 + "█" + " " * 10 + "▒" + " " * (len(cells) - 15)


def test_the_picture_of_the_map_shows_outliers_in_a_colour_of_their_own(profile: Profile) -> None:
    images = re.findall(r"base64,([^\"]+)", profile_svg(profile))
    blue, orange = (_points(base64.b64decode(image)) for image in images)
    assert blue.shape == orange.shape == (4, 48)
    assert set(np.argwhere(orange)[:, 1].tolist()) == {7, 9}
    assert orange[1:, 7].tolist() == [255] * 3 and not blue[1:, 7].any()


def _points(png: bytes) -> np.ndarray:  # type: ignore[type-arg]
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))
    at = png.index(b"IDAT")
    rows = zlib.decompress(png[at + 4 : at + 4 + int.from_bytes(png[at - 4 : at])])
    return np.frombuffer(rows, np.uint8).reshape(height, width + 1)[:, 1:]


def test_missing_blocks_are_said(profile: Profile) -> None:
    corpus = structs.replace(profile.input, blocks=8, done=[(0, 2), (5, 5)])
    part = structs.replace(profile, input=corpus)
    said = "only 4 of 8 blocks of the corpus are in this profile: blocks 3-4, 6-7 are missing"
    assert said in shown(part) and said in printed(profile_summary(part), width=120)
    assert said[1:] in profile_html(part)


def test_a_unit_is_shown_with_the_tokens_that_drive_it(profile: Profile) -> None:
    dimensions = next(step for step in profile.steps if step.label == "gelu activation").outputs[0].dimensions
    assert dimensions is not None
    text = printed(unit_page(0, 3, "gelu activation", dimensions), width=100)
    best = dimensions.examples[3]
    assert [line.split()[0] for line in text.splitlines()[3:]] == [f"{float(one.value):.4f}" for one in best]
    assert f"sentence {best[0].sentence}" in text


def test_what_a_corpus_says_is_shown_and_not_obeyed(profile: Profile) -> None:
    hostile = structs.replace(profile, input=structs.replace(profile.input, files=[HOSTILE]))
    terminal, page, picture = shown(hostile), profile_html(hostile), profile_svg(hostile)
    assert "\x1b" not in terminal and "\u202e" not in terminal + page + picture
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;script&gt;" in picture
    ElementTree.fromstring(picture)


def test_the_page_loads_nothing_and_allows_nothing(profile: Profile) -> None:
    page = html.unescape(profile_html(profile))
    assert "default-src 'none'" in page and "script-src 'none'" in page
    assert not re.search(r"https?://", page) and " style=" not in page
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))


def test_a_terminal_that_knows_ascii_alone_gets_that(profile: Profile) -> None:
    text = printed(profile_page(profile, View(all=True)), 120, encoding="ascii")
    assert "S the separator" in text and text.isascii() and "\\" not in text


@pytest.mark.parametrize("width", [60, 120])
def test_a_model_of_many_heads_has_room(profile: Profile, width: int) -> None:
    heads = [
        structs.replace(one, **{name: [*getattr(one, name)] * 6 for name in ("entropy", "first", "separator")})
        for one in profile.heads
    ]
    heads = [
        structs.replace(one, **{name: [*getattr(one, name)] * 6 for name in ("itself", "previous", "next", "padding")})
        for one in heads
    ]
    text = printed(profile_page(structs.replace(profile, heads=heads), View()), width)
    assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("drawn", [shown, profile_svg, _page], ids=["terminal", "picture", "page"])
def test_of_a_shard_without_a_sentence_nothing_is_claimed(drawn: Callable[[Profile], str]) -> None:
    text = re.sub(r"\s+", " ", drawn(Made().nothing()))
    assert "0 of 1 block of the corpus are in this profile: block 0 is missing" in text
    assert "No sentence is in this profile: merge it with those of the other shards." in text
    for claim in ("nan", "looks at", "entropy", "not known", "utlier", "int8", "dead", "Answers"):
        assert claim not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("drawn", [shown, profile_svg, _page], ids=["terminal", "picture", "page"])
def test_a_head_whose_attention_is_nan_is_not_known(profile: Profile, drawn: Callable[[Profile], str]) -> None:
    names = ("entropy", "first", "separator", "itself", "previous", "next", "padding")
    heads = [structs.replace(one, **{name: ["NaN"] * len(one.entropy) for name in names}) for one in profile.heads]
    text = re.sub(r"<style>.*?</style>", "", drawn(structs.replace(profile, heads=heads)), flags=re.DOTALL)
    assert "not known: its attention is NaN" in " ".join(text.split())
    assert not re.search(r"\bnan\b", text)


def test_of_many_missing_blocks_the_first_are_named() -> None:
    found = Made().profile()
    corpus = structs.replace(found.input, blocks=4001, done=[(at, at) for at in range(0, 4001, 2)])
    text = " ".join(shown(structs.replace(found, input=corpus)).split())
    assert "only 2,001 of 4,001 blocks of the corpus are in this profile: blocks 1, 3, 5," in text
    assert "23 ... are missing" in text and "25" not in text.partition("blocks 1, 3")[2].partition("missing")[0]
