"""The batches of a profile: what a trace's batches are, and what a limit of tokens makes of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import family_tokenizers
import pytest
from analysis.profiling.corpus_of import TEXTS, corpus, profiled, profiler, sentences
from analysis.profiling.test_profiler import outputs, small, tokenizer_of

from bert_inspect.analysis.profiling.tokenized import Settings, tokenized
from bert_inspect.capture.batches import batches, encode_batch
from bert_inspect.corpus.line import Line
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.profiles.record import Example

GIVEN = ("texts", "pairs", "special", "input_ids", "token_type_ids", "attention_mask", "truncated", "lines")
MANY = [f"{text} {' love' * (number % 7)}" for number, text in enumerate(TEXTS * 4)]


def lines(texts: Sequence[str], *, pairs: bool = False) -> list[Line]:
    return [
        Line(number=number, text=text, pair=texts[-number] if pairs else None)
        for number, text in enumerate(texts, start=1)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [64, 7], ids=["whole", "cut"])
@pytest.mark.parametrize("pairs", [False, True], ids=["alone", "pairs"])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("name", ["bert", *family_tokenizers.FAMILIES])
def test_the_model_is_given_what_a_trace_gives_it(name: str, side: str, pairs: bool, limit: int) -> None:
    tokenizer = tokenizer_of(FAMILIES[name])
    tokenizer.padding_side = side
    given = lines(MANY, pairs=pairs)
    found = [*tokenized(tokenizer, given, Settings(size=5, tokens=None, limit=limit, truncate=True))]
    if limit == 64:  # of sentences that are cut, some that are of one length now were not before
        wanted = [*batches(given, tokenizer, size=5)]
        assert [batch.lines for batch in found] == wanted
    assert sorted(line.number for batch in found for line in batch.lines) == [line.number for line in given]
    for batch in found:
        other = encode_batch(tokenizer, batch.lines, limit=limit, truncate=True)
        for field in (
            "texts",
            "pairs",
            "special",
            "input_ids",
            "token_type_ids",
            "attention_mask",
            "truncated",
            "lines",
        ):
            assert getattr(batch.input, field) == getattr(other, field), field


def test_what_cannot_be_encoded_is_refused_with_its_line() -> None:
    tokenizer = tokenizer_of(FAMILIES["bert"])
    given = sentences(["cats", "I love cats, and cats love me!"])
    with pytest.raises(UsageError, match=r"^line 2 of corpus\.txt has \d+ tokens, the limit is 5"):
        [*tokenized(tokenizer, given, Settings(size=5, tokens=None, limit=5, truncate=False))]
    tokenizer.pad_token = None
    with pytest.raises(UsageError, match="no padding token"):
        [*tokenized(tokenizer, given, Settings(size=5, tokens=None, limit=64, truncate=False))]


@pytest.mark.parametrize("most", [1, 12, 40, 1000])
def test_a_batch_has_no_more_tokens_than_asked_for(most: int) -> None:
    tokenizer = tokenizer_of(FAMILIES["bert"])
    given = lines(MANY)
    found = [*tokenized(tokenizer, given, Settings(size=8, tokens=most, limit=64, truncate=False))]
    assert sorted(line.number for batch in found for line in batch.lines) == [line.number for line in given]
    sizes = [(len(batch.lines), len(batch.input.input_ids[0])) for batch in found]
    assert all(count == 1 or count * longest <= most for count, longest in sizes)
    assert all(count <= 8 for count, _ in sizes)
    by_length = sorted(found, key=lambda batch: len(batch.input.input_ids[0]))
    for batch, following in pairwise(by_length):  # the shortest of the next one had no place in it
        assert len(batch.lines) == 8 or (len(batch.lines) + 1) * min(map(sum, following.input.attention_mask)) > most


def test_batches_by_tokens_change_no_number_beyond_rounding() -> None:
    loaded, tokenizer = small("bert")
    whole = profiled(loaded, tokenizer, sentences(TEXTS))
    parts = profiled(loaded, tokenizer, sentences(TEXTS), batch_tokens=20)
    assert parts.input.tokens == whole.input.tokens
    others = {(step.id, at): found.numbers for step, at, found in outputs(whole)}
    compared = 0
    for step, at, found in outputs(parts):
        other = others[step.id, at]
        if found.numbers is None or other is None or (step.label == "masked attention scores"):
            continue
        assert found.numbers.count == other.count
        assert float(found.numbers.mean or 0) == pytest.approx(float(other.mean or 0), abs=1e-5 * float(other.std or 1))
        compared += 1
    assert compared > 30


@pytest.mark.slow
@pytest.mark.parametrize("side", ["right", "left"])
def test_an_example_stands_where_it_does_in_its_sentence_alone(side: str) -> None:
    loaded, tokenizer = small("roberta")
    tokenizer.padding_side = side
    made = profiler(loaded, tokenizer, examples=4)
    given = sentences(TEXTS)
    total = made.begin(corpus())
    made.add_each(total, [(0, given)])
    told: list[Example] = [
        each
        for _, _, found in outputs(total.record())
        if found.dimensions is not None
        for unit in found.dimensions.examples
        for each in unit
    ]
    assert len(told) > 200
    for each in told:
        alone: Any = tokenizer(given[each.sentence - 1].text, return_offsets_mapping=True)
        start, end = alone["offset_mapping"][each.place]
        text = given[each.sentence - 1].text
        if alone.sequence_ids(0)[each.place] is None:
            assert each.token in tokenizer.all_special_tokens and not each.before + each.after
        else:
            assert each.token.strip() == text[start:end].strip()
            assert text[:end].endswith(each.before + each.token)
