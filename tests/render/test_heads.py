"""What every head answers, on the screen and on the page: the numbers of the record, and nothing that means nothing."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers import PAIRS, TEXTS, shown
from msgspec import structs
from render.answered import (
    entities,
    masks,
    replaced,
    similar,
    span,
    traced_with,
    untrained,
)
from rich.cells import cell_len

from bert_inspect import Trace
from bert_inspect.families import heads
from bert_inspect.render.answers import answers
from bert_inspect.render.header import header
from bert_inspect.render.notebook import mimebundle
from bert_inspect.render.outcome.marked import Mark, pieces
from bert_inspect.render.outcome.meaning import fine_percent, means_something, percent
from bert_inspect.render.report.page import report_html
from bert_inspect.render.result import outcome, result

SENTENCES = ["Barack Obama was born in Hawaii.", "It rains.", "東京 likes Angela in Berlin, the European Union."]
WANTED = {
    "Barack": "B-PER",
    "Obama": "I-PER",
    "Hawaii": "B-LOC",
    "Angela": "B-PER",
    "Berlin": "B-LOC",
    "European": "B-ORG",
    "Union": "I-ORG",
}
CONTEXT = "The Eiffel Tower was built by Gustave Eiffel between 1887 and 1889 in Paris."
QUESTION = "Who built the Eiffel Tower?"


def one_line(text: str) -> str:
    return " ".join(text.split())


def on_page(traced: Trace) -> str:
    """The words of the page's section on the answers."""
    page = report_html(traced, [])
    section = page[page.index('<section id="prediction"') :]
    section = section[: section.index("</section>")]
    text = re.sub(r"<[^>]*>", " ", section).replace("&#34;", '"').replace("&#39;", "'").replace("&lt;", "<")
    return one_line(text.replace("&gt;", ">"))


MADE: dict[str, Callable[[Any], Trace]] = {
    "entities": lambda tokenizer: entities(tokenizer, SENTENCES, WANTED),
    "entities of pairs": lambda tokenizer: entities(tokenizer, SENTENCES[:2], WANTED, ["Angela.", "Angela in Berlin."]),
    "no entity": lambda tokenizer: entities(tokenizer, SENTENCES[1], WANTED),
    "answer": lambda tokenizer: span(tokenizer, QUESTION, CONTEXT, "1887", "1889"),
    "answers": lambda tokenizer: span(tokenizer, [QUESTION] * 2, [CONTEXT, "In 1887 or 1889?"], "1887", "1889"),
    "answer without a question": lambda tokenizer: span(tokenizer, CONTEXT, None, "1887", "1889"),
    "masks": lambda tokenizer: masks(tokenizer, ["A [MASK] and a [MASK].", "None.", "猫 [MASK]!"]),
    "no mask": lambda tokenizer: masks(tokenizer, TEXTS),
    "pre-training": lambda tokenizer: masks(tokenizer, ["A [MASK]!", "No."], PAIRS, head=heads.PRE_TRAINING),
    "pre-training of one text": lambda tokenizer: masks(tokenizer, "A [MASK]!", head=heads.PRE_TRAINING),
    "next sentence": lambda tokenizer: traced_with(
        heads.NEXT_SENTENCE, tokenizer, TEXTS, PAIRS, returned={"logits": torch.tensor([[3.0, 0], [0, 1]])}
    ),
    "next sentence of one text": lambda tokenizer: traced_with(
        heads.NEXT_SENTENCE, tokenizer, TEXTS, returned={"logits": torch.tensor([[3.0, 0], [0, 1]])}
    ),
    "choice": lambda tokenizer: traced_with(
        heads.MULTIPLE_CHOICE,
        tokenizer,
        "The cat sat on",
        choices=["the moon.", "the mat.", "猫."],
        returned={"logits": torch.tensor([[0.5, 3, 1]])},
    ),
    "replaced": lambda tokenizer: replaced(tokenizer, ["The chef ate the meal.", "Nothing."], ["ate", "meal"]),
    "hidden states": lambda tokenizer: traced_with(heads.NO_HEAD, tokenizer, TEXTS),
    "similarity": lambda tokenizer: similar(tokenizer, ["I love cats!", "ねこが好きです。" * 9, "Stocks fell. " * 9]),
    "many sentences": lambda tokenizer: similar(tokenizer, [f"Number {number}." for number in range(40)]),
}


@pytest.fixture(scope="module", params=MADE)
def each(request: pytest.FixtureRequest, tokenizer: Any) -> Trace:
    return MADE[request.param](tokenizer)


@pytest.mark.slow
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(each: Trace, width: int) -> None:
    for traced in (each, untrained(each)):
        for color in (False, True):
            text = re.sub(r"\x1b\[[0-9;]*m", "", shown(outcome(traced), width, color=color))
            assert max(map(cell_len, text.splitlines())) <= width


@pytest.mark.slow
def test_every_head_is_told_of_everywhere(each: Trace, tmp_path: Any) -> None:
    each.save(tmp_path / "t.json")
    again = Trace.load(tmp_path / "t.json")
    for width in (80, 120):
        assert shown(result(again), width) == shown(result(each), width)
    assert on_page(again) == on_page(each)
    bundle = mimebundle(each)
    for answer in answers(each):
        first = answer.name.split(",")[0]
        assert first in one_line(shown(header(each), 500)) and first in one_line(bundle["text/plain"])


@pytest.mark.parametrize("name", ["entities of pairs", "answers", "pre-training", "replaced", "many sentences"])
def test_without_unicode_it_is_plain_ascii(tokenizer: Any, name: str) -> None:
    assert shown(outcome(MADE[name](tokenizer)), 100, encoding="ascii").isascii()


@pytest.mark.slow
def test_a_random_head_answers_nothing(each: Trace) -> None:
    random = untrained(each)
    told = one_line(shown(outcome(random), 200))
    assert "meaningless" in told or told.startswith("no mask")
    for text in (told, on_page(random)):
        assert not re.search(r"\b(PER|LOC|ORG|next sentence|film|best)\b", text)
    assert "\x1b[1" not in shown(outcome(random), 120, color=True)  # nothing bold


@pytest.mark.slow
@pytest.mark.parametrize("name", ["entities", "answers", "masks", "pre-training", "replaced", "similarity"])
def test_what_a_trace_lacks_is_left_out(tokenizer: Any, name: str) -> None:
    """Other programs may write traces: what the format does not ask for need not be there."""
    traced = MADE[name](tokenizer)
    assert traced.output is not None
    output = structs.replace(traced.output, logits=[], start_logits=[], predictions=[], probabilities=None, pooled=None)
    less = structs.replace(traced, output=structs.replace(output, tokens=[] if name == "entities" else output.tokens))
    assert shown(header(less), 80) and shown(result(less), 80) and on_page(less)


def test_a_logit_that_is_no_number_has_no_place(tokenizer: Any) -> None:
    traced = span(tokenizer, QUESTION, CONTEXT, "1887", "1889")
    assert traced.output is not None
    place = traced.input.tokens[0].index("1887")
    row = ["NaN" if at == place else number for at, number in enumerate(traced.output.start_logits[0])]
    broken = structs.replace(traced, output=structs.replace(traced.output, start_logits=[row]))
    told = one_line(shown(outcome(broken), 120))
    assert f"1887 token {place}" not in told and f"1889 token {place + 2}" in told


def test_entities_are_those_of_the_record(tokenizer: Any) -> None:
    traced = entities(tokenizer, SENTENCES, WANTED)
    assert traced.output is not None
    texts = [[one.entity_group for one in found] for found in traced.output.entities]
    assert texts == [["PER", "LOC"], [], ["PER", "LOC", "ORG"]]
    told, page = one_line(shown(outcome(traced), 300)), on_page(traced)
    for row, found in enumerate(traced.output.entities):
        for one in found:
            text = SENTENCES[row][one.start : one.end]
            label = f"{one.entity_group} {percent(one.score)}"
            assert f"[{text} {label}]" in told and f"{text} {label}" in page
            assert f"{row + 1} {text} {one.entity_group} {percent(one.score)} {one.start}-{one.end}" in told
    assert "[Barack Obama PER" in told and "] was born in [Hawaii LOC" in told
    assert [answer.name for answer in answers(traced)][1] == "no entity"


def test_entities_of_a_pair_stand_in_their_own_text(tokenizer: Any) -> None:
    traced = entities(tokenizer, SENTENCES[:2], WANTED, ["Angela.", "Angela in Berlin."])
    told = shown(outcome(traced), 200)
    assert re.search(r"with +\[Angela PER [0-9.]+ %\] in \[Berlin LOC [0-9.]+ %\]\.", told)
    assert "It rains." in told and one_line(told).count("second text Angela PER") == 2


def test_in_colour_an_entity_is_marked_and_named_after_it(tokenizer: Any) -> None:
    text = shown(outcome(entities(tokenizer, SENTENCES[0], WANTED)), 120, color=True)
    assert re.search(r"\x1b\[[0-9;]*mBarack Obama\x1b\[0m\x1b\[[0-9;]*m \[PER [0-9.]+ %\]\x1b\[0m", text)


def test_no_entity_is_said(tokenizer: Any) -> None:
    traced = entities(tokenizer, SENTENCES[1], WANTED)
    assert "no entity: every token is outside of one" in shown(outcome(traced), 80)
    assert "no entity: every token is outside of one" in on_page(traced)


def test_replaced_tokens_have_the_probability_of_their_logit(tokenizer: Any) -> None:
    traced = replaced(tokenizer, ["The chef ate the meal.", "Nothing."], ["ate", "meal"])
    assert traced.output is not None
    told, page = one_line(shown(outcome(traced), 200)), on_page(traced)
    for word, place in (("ate", 3), ("meal", 5)):
        logit = float(traced.output.logits[0][place])  # type: ignore[arg-type]
        share = percent(1 / (1 + math.exp(-logit)))
        assert f"[{word} replaced {share}]" in told and f"{word} replaced {share}" in page
    assert [answer.name.split(" ")[0] for answer in answers(traced)] == ["replaced:", "no"]


def test_the_answer_is_marked_in_its_context(tokenizer: Any) -> None:
    traced = span(tokenizer, QUESTION, CONTEXT, "1887", "1889")
    assert traced.output is not None
    (found,) = traced.output.answers
    assert CONTEXT[found.start : found.end] == found.text == "1887 and 1889"
    told, page = one_line(shown(outcome(traced), 200)), on_page(traced)
    assert f"question {QUESTION}" in told and QUESTION in page
    assert CONTEXT.replace(found.text, f"[{found.text}]") in told and CONTEXT in page.replace(" 1889  in", " 1889 in")
    assert f'answer "{found.text}" {percent(found.score)}' in told
    assert f"characters {found.start}-{found.end}" in told
    assert answers(traced)[0].score == percent(found.score)


def test_the_probabilities_of_first_and_last_tokens_make_the_score(tokenizer: Any) -> None:
    traced = span(tokenizer, QUESTION, CONTEXT, "1887", "1889")
    batch, output = traced.input, traced.output
    assert output is not None
    inside = [place for place, side in enumerate(batch.sides(0)) if side and batch.words[0][place] is not None]
    allowed = torch.tensor([0, *inside])
    product = 1.0
    told = one_line(shown(outcome(traced), 200))
    for logits, token in ((output.start_logits, "1887"), (output.end_logits, "1889")):
        shares = torch.tensor(logits[0], dtype=torch.float64)[allowed].softmax(-1)
        place = batch.tokens[0].index(token)
        share = float(shares[allowed.tolist().index(place)])
        assert f"{token} token {place} {percent(share)}" in told and f"{token} {place} {percent(share)}" in on_page(
            traced
        )
        product *= share
    assert float(output.answers[0].score) == pytest.approx(product)


def test_without_a_token_to_choose_there_is_no_answer(tokenizer: Any) -> None:
    traced = span(tokenizer, QUESTION, CONTEXT, "1887", "1889")
    assert traced.output is not None
    none = [structs.replace(traced.output.answers[0], text="", start=0, end=0, score=0.0)]
    empty = structs.replace(traced, output=structs.replace(traced.output, answers=none))
    assert "no answer" in shown(header(empty), 120) and "begins with" not in shown(outcome(empty), 120)
    assert "no answer" in on_page(empty)


def test_the_ten_best_at_each_mask_are_those_of_the_record(tokenizer: Any) -> None:
    traced = masks(tokenizer, ["A [MASK] and a [MASK].", "None.", "A [MASK]!"])
    assert traced.output is not None and len(traced.output.masks) == 3
    narrow, page = one_line(shown(outcome(traced), 40)), on_page(traced)
    for mask in traced.output.masks:
        assert len(mask.tokens) == 10
        for one in mask.tokens:
            share = fine_percent(one.probability)
            assert f"{one.token} {share}" in narrow and f"{one.token} {share}" in page
    assert "[MASK] 1 of 2, token 2" in narrow and "[MASK] 2 of 2, token 5" in narrow and "[MASK] token 2" in narrow
    best = [mask.tokens[0] for mask in traced.output.masks]
    names = [answer.name for answer in answers(traced)]
    assert names[0] == ", ".join(f"{one.token} {fine_percent(one.probability)}" for one in best[:2])
    assert names[1:] == ["no mask", best[2].token]


def test_tables_of_masks_stand_side_by_side_where_there_is_room(tokenizer: Any) -> None:
    traced = masks(tokenizer, "A [MASK] and a [MASK].")
    assert "1 of 2" in next(line for line in shown(outcome(traced), 120).splitlines() if "2 of 2" in line)
    assert "1 of 2" not in next(line for line in shown(outcome(traced), 40).splitlines() if "2 of 2" in line)


def test_a_text_without_a_mask_says_how_to_write_one(tokenizer: Any) -> None:
    for traced in (masks(tokenizer, TEXTS), untrained(masks(tokenizer, TEXTS))):
        assert "no mask: write [MASK] in the text (<mask> for some tokenizers)" in shown(outcome(traced), 200)
        assert "no mask: write [MASK] in the text" in on_page(traced)


def test_pre_training_answers_for_masks_and_pairs(tokenizer: Any) -> None:
    traced = masks(tokenizer, ["A [MASK]!", "No."], PAIRS, head=heads.PRE_TRAINING)
    assert traced.output is not None and traced.output.probabilities is not None
    share = percent(traced.output.probabilities[0][0])
    names = [answer.name for answer in answers(traced)]
    assert names[0].endswith(f"; next sentence {share}") and names[1] == f"next sentence {share}"
    told = one_line(shown(outcome(traced), 120))
    assert "[MASK] token 2" in told and "next sentence" in told and "not next" in on_page(traced)


@pytest.mark.parametrize("head", [heads.PRE_TRAINING, heads.NEXT_SENTENCE], ids=lambda head: head.task)
def test_of_one_text_nothing_is_said_about_a_pair(tokenizer: Any, head: Any) -> None:
    if head is heads.PRE_TRAINING:
        traced = masks(tokenizer, "A [MASK]!", head=head)
    else:
        traced = traced_with(head, tokenizer, "Hello!", returned={"logits": torch.tensor([[3.0, 0]])})
    assert not any("next" in answer.name for answer in answers(traced))
    for text in (one_line(shown(outcome(traced), 80)), one_line(report_html(traced, []))):
        assert "there is only one text, and this head is asked about two" in text


def test_next_sentence_is_named(tokenizer: Any) -> None:
    logits = torch.tensor([[3.0, 0], [0, 1]])
    traced = traced_with(heads.NEXT_SENTENCE, tokenizer, TEXTS, PAIRS, returned={"logits": logits})
    shares = logits.double().softmax(-1)
    told = [(answer.name, answer.score) for answer in answers(traced)]
    assert told == [("next sentence", percent(float(shares[0, 0]))), ("not next", percent(float(shares[1, 1])))]
    assert all(name in on_page(traced) for name in ("next sentence", "not next"))


def test_choices_keep_their_order_and_the_best_is_marked(tokenizer: Any) -> None:
    texts = ["the moon.", "the mat.", "it."]
    logits = torch.tensor([[0.5, 3, 1]])
    traced = traced_with(heads.MULTIPLE_CHOICE, tokenizer, "The cat sat on", choices=texts, returned={"logits": logits})
    told, page = one_line(shown(outcome(traced), 60)), on_page(traced)
    shares = [percent(float(share)) for share in logits.double().softmax(-1)[0]]
    places = [
        told.index(f"{place + 1} {text} {share}") for place, (text, share) in enumerate(zip(texts, shares, strict=True))
    ]
    assert places == sorted(places) and told.count("The cat sat on") == 1
    assert 'The cat sat on <span class="quiet">and 3 choices</span>' in report_html(traced, [])
    assert f"2 the mat. {shares[1]} 3.0000 best" in told and "the mat. best" in page
    assert [(answer.name, answer.score) for answer in answers(traced)] == [("the mat.", shares[1])]


def test_the_most_similar_sentences_are_named(tokenizer: Any) -> None:
    traced = similar(tokenizer, ["I love cats!", "I adore kittens.", "Stocks fell."])
    assert traced.output is not None and traced.output.pooled is not None
    cosine = traced.output.pooled.cosine
    told, page = one_line(shown(outcome(traced), 120)), on_page(traced)
    for row, text in enumerate(traced.input.texts):
        numbers = " ".join(f"{float(number):.2f}" for number in cosine[row])
        assert f"{row + 1} {numbers} {text}" in told and numbers in page and text in page
    best = max((float(cosine[a][b]), a, b) for a in range(3) for b in range(a + 1, 3))
    assert f"{best[1] + 1} and {best[2] + 1} {best[0]:.4f}" in told
    assert answers(traced)[0].name == f"sentences {best[1] + 1} and {best[2] + 1} are the most similar:"
    assert "mean pooling" in told


def test_what_has_no_room_is_counted(tokenizer: Any) -> None:
    traced = similar(tokenizer, [f"Number {number}." for number in range(40)])
    told = one_line(shown(outcome(traced), 80))
    assert "30 more" in told and "... 20 more sentences" in told
    assert "8 more sentences are not in this table" in on_page(traced)


def test_a_model_without_a_head_claims_no_answer(tokenizer: Any) -> None:
    traced = traced_with(heads.NO_HEAD, tokenizer, TEXTS)
    assert answers(traced) == []
    for text in (one_line(shown(outcome(traced), 120)), on_page(traced)):
        assert "no head: hidden states only, [2, 9, 32], and the pooler's output, [2, 32]" in text
    without = traced_with(heads.NO_HEAD, tokenizer, TEXTS)
    root = structs.replace(without.steps[0], outputs=without.steps[0].outputs[:1])
    without = structs.replace(without, steps=[root, *without.steps[1:]])
    assert "pooler" not in shown(outcome(without), 120)


def test_hidden_states_mean_something_where_only_the_pooler_was_drawn(tokenizer: Any) -> None:
    traced = similar(tokenizer, TEXTS)
    model = structs.replace(traced.model, weights="partial", source="folder", initialised=["pooler.dense.weight"])
    pooler = structs.replace(traced, model=model)
    assert means_something(model) and "randomly initialized pooler" in one_line(shown(header(pooler), 200))
    assert "predictions are meaningless" not in shown(header(pooler), 200) + shown(outcome(pooler), 200)
    assert "the pooler's output, [2, 32] (randomly initialized: meaningless)" in shown(outcome(pooler), 200)
    body = structs.replace(model, initialised=["pooler.dense.weight", "embeddings.LayerNorm.weight"])
    assert not means_something(body)


def test_of_a_long_text_the_surroundings_of_the_mark_are_shown() -> None:
    text = "x" * 5000 + "answer" + "y" * 5000
    found = pieces(text, [Mark(start=5000, end=5006, label="")], most=100)
    assert [piece.text for piece in found if piece.kind == "mark"] == ["answer"]
    assert sum(len(piece.text) for piece in found if piece.kind != "cut") == 100
    cut = [int(re.sub(r"\D", "", piece.text)) for piece in found if piece.kind == "cut"]
    assert sum(cut) == len(text) - 100 and "characters before" in found[0].text


def test_marks_that_overlap_lose_no_character() -> None:
    text = "abcdef"
    found = pieces(
        text, [Mark(start=0, end=3, label="A"), Mark(start=2, end=5, label="B"), Mark(start=3, end=3, label="C")]
    )
    assert "".join(piece.text for piece in found) == text
    assert [piece.label for piece in found] == ["A", "B", ""]


@pytest.mark.slow
def test_text_from_outside_is_shown_and_not_obeyed(tokenizer: Any) -> None:
    hostile = "[red]Barack[/red]\x1b[31m <b>x</b> \u202eObama"
    for traced in (
        entities(tokenizer, hostile, WANTED),
        span(tokenizer, hostile, hostile, "Barack", "Obama"),
        masks(tokenizer, hostile + "[MASK]"),
        replaced(tokenizer, hostile, ["Barack"]),
        similar(tokenizer, [hostile, "x"]),
    ):
        text = shown(result(traced), 200)
        assert "\x1b" not in text and "\u202e" not in text and "[red]" in text
        page = report_html(traced, [])
        assert "<b>x" not in page and "\x1b" not in page and "\u202e" not in page
