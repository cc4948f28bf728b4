"""Holds a profile that was read to what a profile can be, before anything is made of its numbers."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ..traces.values import Number
from .answers import BINS
from .examples import MOST_EXAMPLES
from .heads import QUANTITIES
from .record import Answers, Corpus, Dimensions, Heads, Numbers, Profile
from .tensors import hidden_states

MOST = 2**53
"""No count of anything is larger."""


def check(profile: Profile) -> None:
    """Refuse a profile that none of our runs can have written.

    Raises:
        ValueError: says what is wrong with it.
    """
    _check_corpus(profile.input)
    _hold(0 <= profile.examples <= MOST_EXAMPLES, "more examples than are ever kept")
    ids = [step.id for step in profile.steps]
    _hold(len({*ids}) == len(ids), "two steps have one number")
    layers = [step.layer for step in profile.steps if step.layer is not None] + [each.layer for each in profile.heads]
    _hold(all(0 <= layer < 10_000 for layer in layers), "there are no such layers")
    for step in profile.steps:
        for output in step.outputs:
            if output.numbers is not None:
                _check_numbers(output.numbers)
            if output.dimensions is not None:
                _hold(output.numbers is not None, "numbers by dimension, and none of all")
                _check_dimensions(output.dimensions, profile.examples)
    sizes = {len(held.dimensions.zeros) for _, held in hidden_states(profile) if held.dimensions is not None}
    _hold(len(sizes) < 2 and 0 not in sizes, "hidden states of other sizes")
    for heads in profile.heads:
        _check_heads(heads)
    if profile.answers is not None:
        _check_answers(profile.answers)


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _counts(found: Iterable[int], *, most: int = MOST) -> None:
    _hold(all(0 <= one <= most for one in found), "a count that is none")


def _check_corpus(corpus: Corpus) -> None:
    _counts((corpus.blocks, corpus.lines_per_block, corpus.batch_size, corpus.sentences, corpus.tokens, corpus.cut))
    _hold(corpus.batch_tokens is None or 1 <= corpus.batch_tokens <= MOST, "no batch is of so many tokens")
    _hold(corpus.max_length is None or 1 <= corpus.max_length <= MOST, "no sentence is of so many tokens")
    _hold(all(0 <= first <= last < corpus.blocks for first, last in corpus.done), "blocks that the corpus has not")
    _hold(all(one[1] < other[0] for one, other in pairwise(corpus.done)), "blocks that are told twice")
    count = sum(last - first + 1 for first, last in corpus.done)
    _hold(count == len(corpus.digests), "blocks that are told twice, or not at all")


def _check_numbers(numbers: Numbers) -> None:
    sides = numbers.negative.counts, numbers.positive.counts
    _counts((numbers.count, numbers.nan, numbers.inf, numbers.zeros, *sides[0], *sides[1]))
    finite = numbers.count - numbers.nan - numbers.inf
    _hold(finite == numbers.zeros + sum(map(sum, sides)), "a histogram of other numbers")
    ends = [float(each) for each in (numbers.min, numbers.max) if each is not None]
    _hold(len(ends) == (2 if finite else 0) and all(map(math.isfinite, ends)), "extremes that are none")
    _hold(ends == sorted(ends), "a smallest number above the largest")
    _hold((numbers.mean is None) == (not finite) and (numbers.std is None) == (finite < 2), "a mean of nothing")
    _deviations([] if numbers.std is None else [numbers.std])


def _check_dimensions(found: Dimensions, examples: int) -> None:
    size = len(found.zeros)
    lengths = {*map(len, (found.min, found.max, found.mean, found.std))}
    _hold(lengths == {size} and len(found.examples) == (size if examples else 0), "numbers of other dimensions")
    _counts((found.count,))
    _counts(found.zeros, most=found.count)
    for low, high in zip(found.min, found.max, strict=True):
        ends = float(low), float(high)
        _hold(not any(map(math.isinf, ends)) and not ends[0] > ends[1], "a smallest number above the largest")
    _deviations(found.std)
    _hold(all(0 <= place < size for place in found.spoilt), "dimensions that are not there")
    for several in found.examples:
        _hold(len(several) <= examples, "more examples than were kept")
        _hold(not any(math.isnan(float(each.value)) for each in several), "an example that is NaN")


def _deviations(found: Sequence[Number]) -> None:
    _hold(not any(float(one) < 0 for one in found), "a deviation below 0")


def _check_heads(heads: Heads) -> None:
    _counts([heads.count])
    for name in QUANTITIES:
        row: list[Number] = getattr(heads, name)
        _hold(len(row) == len(heads.entropy), "numbers of other heads")
        _hold(not any(math.isinf(float(each)) for each in row), "shares of attention that are none")


def _check_answers(answers: Answers) -> None:
    size = len(answers.classes)
    _hold(len(answers.counts) == size, "counts of other classes")
    _counts((*answers.counts, answers.labelled, answers.right))
    _hold((answers.probability is None) == (not any(answers.counts)), "a mean of nothing")
    rows = [*map(len, answers.by_label)]
    _hold(rows == ([size] * size if answers.labelled else []), "labels of other classes")
    _hold(len(answers.bins) == (BINS if answers.labelled else 0), f"other than {BINS} tenths")
    for row in answers.by_label:
        _counts(row)
    for one in answers.bins:
        _counts((one.count, one.right))
        _hold(one.right <= one.count and (one.probability is None) == (not one.count), "a tenth of other answers")
    _hold(sum(map(sum, answers.by_label)) == answers.labelled, "labels that do not add up")
    totals = sum(one.count for one in answers.bins), sum(one.right for one in answers.bins)
    _hold(totals == (answers.labelled, answers.right), "tenths that do not add up")
    _hold((answers.calibration_error is None) == (not answers.labelled), "an error of nothing")
