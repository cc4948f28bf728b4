"""An explanation in the terminal: the numbers of the record, whole at every width, with colours and without."""

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from helpers import shown
from msgspec import structs
from render.explain.records import (
    BIASES,
    SENTENCE,
    SHARES,
    batch,
    by_component,
    by_layer,
    by_token,
    checked,
    explanation,
    model,
    target,
    tokens_of,
    total,
)
from render.test_heatmap import colours_of, contrast
from rich.cells import cell_len
from rich.console import Console

from bert_inspect.analysis.explain.explanation import Answer, Cut, Explanation, Logit
from bert_inspect.render.explain.notebook import mimebundle
from bert_inspect.render.explain.page import View, explanation_page, explanation_summary
from bert_inspect.render.explain.svg import explanation_svg

HOSTILE = "[red]x[/red]\x1b[31m<b>\u202e"
LONG = " ".join(f"word{number}" for number in range(500))

MADE: dict[str, Any] = {
    "tokens": by_token,
    "checked": lambda: by_token(faithfulness=checked()),
    "components": by_component,
    "many heads": lambda: by_component(heads=[[0.125 * head for head in range(16)] for _ in range(12)]),
    "layers": by_layer,
    "long": lambda: by_token([(-1) ** place / 8 for place in range(502)], LONG),
    "pair": lambda: by_token(
        [1.0, 2, 3, 4, 5, 6, 7], given=batch("a film", pairs=["日本 film"]), total=total([28.0 + 0.875])
    ),
    "hostile": lambda: by_token(
        [1.0, 2, 3], given=hostile(), target=target(of=Logit(label=HOSTILE, logit=1.0, probability=0.5))
    ),
}


def hostile() -> Any:
    given = batch("x")
    return structs.replace(
        given, texts=[HOSTILE], tokens=[["[CLS]", HOSTILE, "[SEP]"]], offsets=[[(0, 0), (0, 20), (0, 0)]]
    )


def coloured(product: Any, colors: Any, width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=colors, force_terminal=colors is not None).print(product)
    return stream.getvalue()


def page(found: Explanation, width: int = 100, **view: bool) -> str:
    return shown(explanation_page(found, View(**view)), width)


def one_line(text: str) -> str:
    return " ".join(text.split())


def rows_in(text: str) -> dict[str, float]:
    """The rows of a page by their names: what stands before a number with its sign."""
    found = re.findall(r"^ *(?:\d+  )?(\S.*?) +([+-]\d[\d.e-]*|0\.0+)(?: |$)", text, re.MULTILINE)
    return {name: float(number) for name, number in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    found = MADE[name]()
    for view in (View(), View(split=True), View(words=True), View(all=True)):
        for product in (explanation_page(found, view), explanation_summary(found, view)):
            for colors in (None, "truecolor"):
                text = re.sub(r"\x1b\[[\d;]*m", "", coloured(product, colors, width))
                assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.parametrize("name", MADE)
def test_text_from_outside_is_shown_and_not_obeyed(name: str) -> None:
    found = MADE[name]()
    for product in (explanation_page(found, View()), explanation_summary(found, View())):
        text = shown(product, 120)
        assert "\x1b" not in text and "\u202e" not in text
        if name == "hostile":
            assert r"[red]x[/red]\x1b[31m<b>\u202e" in text
    html = mimebundle(found)["text/html"]
    assert "<b>x" not in html and "\x1b" not in html and "\u202e" not in html


@pytest.mark.parametrize("name", ["tokens", "checked", "components", "layers"])
def test_without_unicode_it_is_plain_ascii(name: str) -> None:
    text = shown(explanation_page(MADE[name](), View()), 100, encoding="ascii")
    assert text.isascii() and ("#" in text)


def test_the_page_says_what_is_explained_and_adds_it_up() -> None:
    text = page(by_token())
    assert "logit of positive  2.3737 (99.2 %)" in text
    rows = rows_in(text.partition("tokens -")[0])
    sums = {"[CLS]": 0.25, "great": 1.0, "##bel": 0.125, ".": 0.0, "layer 0": 0.875, "layer 1": -0.5}
    assert {name: rows[name] for name in sums} == sums
    assert sum(rows.values()) == sum(SHARES) + sum(float(bias.share) for bias in BIASES)
    assert f"tokens {sum(SHARES):+.4f}, biases +0.8750" in text
    assert text.splitlines()[-2] == "cut at each of the 3 hidden states it adds up too"
    assert text.splitlines()[-1] == "sum 0.3125 = logit 0.3125 (differs by 0, rounding explains 1e-6)"
    assert "attention probabilities, the standard deviations of layer norms; the rest is a sum" in one_line(text)


def test_a_difference_that_rounding_explains_is_told_in_the_words_of_an_error() -> None:
    found = by_token(total=total([2.31405], off=3.1e-7))
    assert page(found).splitlines()[-1] == "sum 2.3140 = logit 2.3140 (differs by 3e-7, rounding explains 1e-6)"
    coarse = by_token(total=total([2.31], off=0.01, rounding=0.1))
    assert "sum 2.3100, logit 2.3000 (differs by 0.01, rounding explains 0.1)" in page(coarse)


def test_what_does_not_add_up_is_said() -> None:
    found = by_token(total=total([2.5], off=0.5))
    assert "the rows do not add up: sum 2.5000, logit 2.0000 (differs by 0.5, rounding explains 1e-6 only)" in one_line(
        page(found)
    )
    cuts = [Cut(layer=layer, tokens=[], biases=0.0, total=total([1.0], off=layer - 1)) for layer in (0, 1, 2)]
    text = page(by_token(cuts=cuts))
    assert "cut at hidden_states[0, 2] it does not add up" in text and "adds up too" not in text


def test_split_tells_word_position_and_type_apart_and_each_bias() -> None:
    text = page(by_token(), 120, split=True)
    assert re.search(r"word +position +share", text) and "type" not in text
    assert re.search(r"great +\+0\.7500 +\+0\.2500 +\+1\.0000", text)
    assert "layer 0 value " in text and "layer 0 attention norm" in text and "layer 0 feed-forward norm" in text
    assert "position" not in page(by_token(tokens=tokens_of(SHARES, kinds=False)), 120, split=True)


def test_words_are_added_up() -> None:
    text = page(by_token(), words=True)
    assert re.search(r"2  unbelievable +-0\.3125", text) and "##bel" not in text


def test_of_a_long_text_the_largest_rows_are_shown_and_all_of_the_text() -> None:
    shares = [0.001 * place for place in range(502)]
    found = by_token(shares, LONG)
    text, every = page(found), page(found, all=True)
    table, whole = text.partition("[+] for")[2], every.partition("[+] for")[2]
    assert len(re.findall(r"^ *\d+  ", table, re.MULTILINE)) == 20 and "482 others" in table
    assert len(re.findall(r"^ *\d+  ", whole, re.MULTILINE)) == 502 and "others" not in whole
    words = set(re.findall(r"word\d+", text.partition("[+] for")[0]))
    assert len(words) == 500
    assert sum(rows_in(table.partition("biases")[0]).values()) == pytest.approx(sum(shares), abs=0.01)


def test_a_text_that_was_cut_says_so() -> None:
    given = structs.replace(batch("great film"), texts=["great film " + "x " * 500], truncated=[500])
    assert "(1,001 more characters)" in one_line(page(by_token([1, 2, 3, 4], given=given)))


def test_pairs_and_choices_name_their_texts() -> None:
    text = page(MADE["pair"]())
    assert text.count("first text") == 2 and text.count("second text") == 2
    given = batch("a", "a", pairs=["b", "c"])
    of, against = (Logit(label=label, index=index, logit=1.0, probability=0.5) for index, label in enumerate("bc"))
    found = by_token(
        given=given,
        tokens=[*tokens_of([1] * 5), *tokens_of([-1] * 5, sentence=1)],
        target=target(what="choice", of=of, against=against),
    )
    text = page(found)
    assert 'choice 1 "b" - choice 2 "c"' in text
    assert text.count("choice 1, first text") == text.count("choice 2, second text") == 2


TARGETS = [
    ({}, "logit of positive  2.3737 (99.2 %)"),
    (
        {"against": Logit(label="negative", index=0, logit=-2.4443, probability=0.008), "log_odds": True},
        "positive - negative  4.8180 = the log-odds of positive (99.2 %)",
    ),
    (
        {"against": Logit(label="neutral", index=0, logit=0.3737, probability=0.108)},
        "positive - neutral  2.0000 (difference of logits: positive 99.2 %, neutral 10.8 %)",
    ),
    ({"of": Logit(label="LABEL_0", index=0, logit=0.5)}, "score  0.5000"),
    ({"of": Logit(label="warmth", index=2, logit=0.5)}, "score of warmth  0.5000"),
    (
        {"what": "token label", "of": Logit(label="B-PER", index=1, logit=7.0, probability=0.9), "token": 1},
        "logit of B-PER at token 1 (great)  7.0000 (90.0 %)",
    ),
    (
        {"what": "replaced token", "of": Logit(label="replaced", logit=1.0, probability=0.731), "token": 5},
        "logit of replaced at token 5 (film)  1.0000 (73.1 %)",
    ),
    (
        {"what": "start of the answer", "of": Logit(label="start", logit=1.0, probability=0.5), "token": 2},
        "logit of the start of the answer at token 2 (un)  1.0000 (50.0 %)",
    ),
    (
        {"what": "end of the answer", "of": Logit(label="end", logit=1.0, probability=0.5), "token": 2},
        "logit of the end of the answer at token 2 (un)  1.0000 (50.0 %)",
    ),
    (
        {"what": "token at a mask", "of": Logit(label="cats", index=7, logit=9.0, probability=0.00023), "token": 1},
        "logit of cats at token 1 (great)  9.0000 (0.023 %)",
    ),
    (
        {"what": "choice", "of": Logit(label="the mat.", index=1, logit=1.0, probability=0.7)},
        'logit of choice 2 "the mat."  1.0000 (70.0 %)',
    ),
]


@pytest.mark.parametrize(("changes", "said"), TARGETS, ids=[said for _, said in TARGETS])
def test_each_kind_of_number_is_named(changes: dict[str, Any], said: str) -> None:
    found = by_token(target=target(**changes))
    assert said in page(found, 200).splitlines()
    assert said in shown(explanation_summary(found, View()), 200).splitlines()


@pytest.mark.parametrize("weights", ["random", "partial"])
def test_of_a_random_head_it_is_said_that_this_is_noise(weights: str) -> None:
    found = by_token(model=model(weights=weights, initialised=["classifier.weight"]))
    text = page(found, 200)
    assert "an explanation of them is one of noise" in text
    assert "logit of class 1" in text and "positive" not in text
    assert not re.search(r"[34]8;2;", coloured(explanation_page(found, View()), "truecolor"))  # nothing has a colour


def test_bars_are_as_long_as_the_shares_beside_each_other() -> None:
    shares = [0.0, 4.0, -2.0, 1.0, 0.0, -1.0, 3.0, 0.0]
    text = page(by_token(shares, biases=[], total=total(shares)), 100)
    lines = {line.split()[1]: line for line in text.splitlines() if re.match(r" ?\d  ", line)}
    zero = {line.index("│") for line in lines.values()}
    assert len(zero) == 1
    unit = lines["great"].count("█") / 4
    for name, share in zip(("great", "un", "##bel", "film", "."), (4, -2, 1, -1, 3), strict=True):
        left, _, right = lines[name].partition("│")
        drawn, empty = (right, left) if share > 0 else (left, right)
        assert drawn.count("█") + 0.5 * (drawn.count("▌") + drawn.count("▐")) == pytest.approx(
            abs(share) * unit, abs=0.6
        )
        assert not set("█▌▐") & set(empty)
    assert not set("█▌▐▏▕") & set(lines["[CLS]"])


@pytest.mark.parametrize("colors", ["truecolor", "256"])
def test_every_word_can_be_read_on_its_colour_and_the_sign_is_its_hue(colors: str) -> None:
    shares = [place / 10 for place in range(-10, 11)]
    words = " ".join(f"w{chr(97 + place)}" for place in range(19))
    text = coloured(explanation_page(by_token(shares, words), View()), colors, 200)
    line = next(line for line in text.splitlines() if "wa" in line and "wb" in line)
    filled = re.findall(r"\x1b\[([\d;]*48;[\d;]*)m(\[?\w+\]?)\x1b", line)
    assert len(filled) == 20  # all but the one that is 0
    for place, (codes, word) in enumerate(filled):
        red, _, blue = colours_of(codes, "48")
        assert contrast(colours_of(codes, "38"), (red, _, blue)) >= 4.5, word
        assert (blue > red) == (place >= 10)


def test_without_colour_signs_stand_for_it() -> None:
    text = page(by_token())
    assert "[CLS][+] great[++] un[-]believable film[---] . [SEP][+]" in text
    assert "[+] for positive, [-] against it" in text
    assert "[+]" not in coloured(explanation_page(by_token(), View()), "standard")


def test_the_map_holds_every_head_beside_the_feed_forward_and_the_biases() -> None:
    text = page(by_component(), 120)
    lines = text.splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("head"))
    assert lines[at].split() == ["head", "0", "1", "ff", "biases"]
    assert lines[at + 1].split() == ["0", "+.500", "-.250", "+.125", "+.875"]
    assert lines[at + 2].split() == ["1", "+2.000", "0", "+.250", "-.500"]
    assert "neuron 7 +0.0625, neuron 3 -0.0312" in text
    assert rows_in(text)["layer 1 head 0"] == 2.0 and "Direct paths" in text


def test_a_map_of_small_shares_is_written_in_thousandths() -> None:
    lines = page(by_component(heads=[[0.0005, -0.0002], [0.0, 0.0001]], biases=[]), 120).splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith("head"))
    assert "thousandths" not in lines[at + 3]  # the feed-forward parts are large
    small = by_component(heads=[[0.0005, -0.0002], [0.0, 0.0001]], biases=[], feed_forward=[0.001, -0.002])
    lines = page(small, 120).splitlines()
    assert lines[at + 1].split() == ["0", "+.500", "-.200", "+1.000", "0"]
    assert lines[at + 2].split() == ["1", "0", "+.100", "-2.000", "0"] and "numbers in thousandths" in lines[at + 3]


def test_a_map_that_has_no_room_for_numbers_has_signs_and_one_that_has_none_says_so() -> None:
    found = MADE["many heads"]()
    narrow = page(found, 80)
    assert "++" in narrow and "+1.875" not in narrow.partition("rows:")[0]
    assert "+1.875" in page(found, 140).partition("rows:")[0]
    assert "a map of 12 layers of 16 heads needs more columns" in one_line(page(found, 50))


def test_components_are_named_the_largest_first_and_add_up() -> None:
    heads = [[0.25 * (head + 1) for head in range(8)] for _ in range(2)]
    text = page(by_component(heads=heads))
    table = text.partition("the 10 largest components")[2].partition("the largest neurons")[0]
    rows = rows_in(table)
    numbers = list(rows.values())
    assert len(numbers) == 11 and list(rows)[-1].endswith("others")
    assert numbers[:-1] == sorted(numbers[:-1], key=abs, reverse=True)
    assert sum(numbers) == 2 * sum(heads[0]) + 0.75 + 0.375 + 0.875
    every = rows_in(page(by_component(heads=heads), all=True).partition("every component")[2])
    assert "layer 0 attention norm bias" in every and "layer 1 head 7" in every


def test_layers_end_with_the_models_output_and_say_what_the_first_cannot_know() -> None:
    text = page(by_layer())
    assert re.search(r"hidden_states\[2\] +2\.0000 +.*90\.0 % +positive", text)
    assert "The answer from hidden_states[2] is the model's output" in text
    assert "the same for every sentence" in one_line(text)
    assert "the same for every sentence" not in one_line(page(by_layer(constant=False)))


def test_the_check_gives_a_verdict_that_is_true() -> None:
    text = one_line(page(by_token(faithfulness=checked()), 120))
    assert "faster than random order (mean drop 0.500 against 0.250; by occlusion 0.600)" in text
    assert "5 words, 87 sentences run" in text
    assert "by shares 90.0 80.0 70.0 60.0 50.0 40.0 30.0 20.0 10.0 0.0 +0.500" in text
    assert "by shares 50.0 50.0 50.0 50.0 50.0" in text
    worse = one_line(page(by_token(faithfulness=checked(own=0.1)), 120))
    assert "lowers the probability less than random order (mean drop 0.100 against 0.250" in worse
    same = one_line(page(by_token(faithfulness=checked(own=0.25, quantity="value")), 120))
    assert "lowers the number no faster than random order" in same
    raised = one_line(page(by_token(faithfulness=checked(own=-0.125)), 120))
    assert "does not lower the probability (mean drop -0.125 against 0.250" in raised and "faster" not in raised


def test_a_check_that_masked_nothing_is_told_too() -> None:
    order = structs.replace(checked().orders[0], curve=[], comprehensiveness=[], sufficiency=[], aopc="NaN")
    none = structs.replace(checked(), masked=[], bins=[], orders=[order], words=0)
    for found in (none, structs.replace(none, orders=[])):
        assert "0 words" in page(by_token(faithfulness=found))
        assert explanation_svg(by_token(faithfulness=found), View())


def test_many_sentences_are_shown_in_part_unless_all_are_asked_for() -> None:
    given = batch(*["great film"] * 30)
    answers = [
        Answer(sentence=row, target=target(), tokens=tokens_of([1, 2, 3, 4], sentence=row), total=total([10]))
        for row in range(30)
    ]
    found = explanation(answers, given)
    text = page(found)
    assert "... 10 more sentences" in text and text.count("sum 10.0000") == 20
    assert page(found, all=True).count("sum 10.0000") == 30
    assert "... 22 more sentences" in shown(explanation_summary(found, View()), 100)


def test_numbers_that_are_none_are_shown_as_such() -> None:
    broken = [structs.replace(token, share="NaN") if token.place == 2 else token for token in tokens_of(SHARES)]
    text = page(by_token(tokens=broken))
    assert re.search(r"un +nan", text)


def test_the_summary_holds_the_largest_and_the_sum() -> None:
    text = shown(explanation_summary(by_token(), View()), 100)
    rows: Sequence[str] = list(rows_in(text.partition("largest tokens and biases")[2]))
    assert rows[:2] == ["film", "great"] and len(rows) == 6
    assert text.rstrip().splitlines()[-1].startswith("sum 0.3125 = logit 0.3125")
    assert SENTENCE not in text and "great[++] un[-]" in text
