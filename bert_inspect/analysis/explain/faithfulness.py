"""Is an explanation faithful? Whether the words with the largest shares are those without which the answer falls.

Words are masked in the order of their shares, the largest first, and the probability of the answer is read after each
part of them; beside it the same in the order of occlusion (each word masked alone, the largest fall first) and in
random orders. AOPC is the mean fall over masking 10 to 90 % (Samek et al., "Evaluating the visualization of what a deep
neural network has learned", 2017); comprehensiveness and sufficiency are those of DeYoung et al., "ERASER" (ACL 2020).
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.hooks import exclusively
from ...capture.undisturbed import undisturbed, without_gradients
from ...diff.align_words import words
from ...errors import UsageError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.values import strict
from .explanation import Answer, Faithfulness, Removed
from .quantity import Quantity

MASKED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The parts of the words that are masked for the curve."""
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""ERASER's parts of the words."""
RANDOM_ORDERS = 10
"""How many random orders the mean is taken over."""
TOKENS_AT_ONCE = 4096
"""About how many tokens run in one batch."""
NUMBERS_AT_ONCE = 50_000_000
"""About how many logits one batch may return: of a head that predicts tokens each token has one for each of those."""

Order = Literal["explanation", "occlusion", "random"]


def faithfulness(loaded: Loaded, batch: Input, quantity: Quantity, answer: Answer) -> Faithfulness | None:
    """Return how the number falls when a sentence's words are masked, against the order of an answer's token shares;
    None where it has no words.

    Raises:
        UsageError: the vocabulary has no mask.
    """
    mask = getattr(loaded.tokenizer, "mask_token_id", None)
    if mask is None:
        raise UsageError("this model's vocabulary has no mask to put in the place of words", "leave `check` out")
    row = quantity.row
    places = words_to_mask(batch, row)
    if not places:
        return None
    shares = {token.place: float(token.share) for token in answer.tokens if token.sentence == row}
    masked = _Masked(loaded, batch, quantity, places, mask)
    by_share = _descending([sum(shares[place] for place in word) for word in places])
    masked.run([(word,) for word in range(len(places))])
    before = masked[()]
    by_fall = _descending([before - masked[(word,)] for word in range(len(places))])
    shuffled = [_shuffled(len(places), seed) for seed in range(RANDOM_ORDERS)]
    masked.run(part for order in (by_share, by_fall, *shuffled) for part in _parts(order))
    orders: Mapping[Order, list[list[int]]] = {
        "explanation": [by_share],
        "occlusion": [by_fall],
        "random": shuffled,
    }
    return Faithfulness(
        quantity="value" if quantity.scale == "none" else "probability",
        before=strict(before),
        words=len(places),
        masked=list(MASKED),
        bins=list(BINS),
        orders=[_removed(name, several, masked, before) for name, several in orders.items()],
        forwards=masked.forwards,
    )


def words_to_mask(batch: Input, row: int) -> list[tuple[int, ...]]:
    """Return the places of the tokens of each word of a sentence; special tokens are none."""
    numbers = batch.words[row] if batch.words else range(len(batch.tokens[row]))
    return [word.places for word in words(batch, row) if numbers[word.places[0]] is not None]


def _removed(name: Order, orders: Sequence[Sequence[int]], masked: "_Masked", before: float) -> Removed:
    """Return the curve of an order, or the mean of several."""

    def mean(taken: Callable[[Sequence[int], float], tuple[int, ...]], part: float) -> float:
        return math.fsum(masked[taken(order, part)] for order in orders) / len(orders)

    curve = [mean(_first, part) for part in MASKED]
    return Removed(
        order=name,
        curve=[strict(number) for number in curve],
        aopc=strict(before - math.fsum(curve) / len(curve)),
        comprehensiveness=[strict(before - mean(_first, part)) for part in BINS],
        sufficiency=[strict(before - mean(_rest, part)) for part in BINS],
    )


def _parts(order: Sequence[int]) -> Iterable[tuple[int, ...]]:
    yield from (_first(order, part) for part in (*MASKED, *BINS))
    yield from (_rest(order, part) for part in BINS)


def _first(order: Sequence[int], part: float) -> tuple[int, ...]:
    """Return the first part of an order, at least one word."""
    return tuple(sorted(order[: _count(order, part)]))


def _rest(order: Sequence[int], part: float) -> tuple[int, ...]:
    """Return what is left of an order without that part."""
    return tuple(sorted(order[_count(order, part) :]))


def _count(order: Sequence[int], part: float) -> int:
    return math.ceil(round(part * len(order), 6))  # 0.1 of 30 words are 3, not a fraction more


def _descending(numbers: Sequence[float]) -> list[int]:
    return sorted(range(len(numbers)), key=lambda place: (-numbers[place], place))


def _shuffled(count: int, seed: int) -> list[int]:
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


@dataclass
class _Masked:
    """The number with some of the words masked, by the numbers of those words; each is run once."""

    loaded: Loaded
    batch: Input
    quantity: Quantity
    words: Sequence[Sequence[int]]
    mask: int

    def __post_init__(self) -> None:
        self._found: dict[tuple[int, ...], float] = {}
        self.forwards = 0
        self.run([()])

    def __getitem__(self, masked: tuple[int, ...]) -> float:
        return self._found[masked]

    def run(self, wanted: Iterable[tuple[int, ...]]) -> None:
        """Run the sentence once for each choice of words that has not been run yet, many at a time."""
        new = [masked for masked in dict.fromkeys(wanted) if masked not in self._found]
        rows = len(self.batch.input_ids) if self.loaded.head is MULTIPLE_CHOICE else 1
        most = min(TOKENS_AT_ONCE, NUMBERS_AT_ONCE // max(len(self.quantity.names), 1))
        at_once = max(most // (rows * len(self.batch.input_ids[0])), 1)
        for start in range(0, len(new), at_once):
            some = new[start : start + at_once]
            self._found |= dict(zip(some, self._numbers(some), strict=True))
            self.forwards += len(some)

    def _numbers(self, some: Sequence[tuple[int, ...]]) -> list[float]:
        inputs = model_inputs(self.loaded, self.batch, labels=False)
        row = self.quantity.row
        if self.loaded.head is MULTIPLE_CHOICE:  # (1, choices, tokens): the others stay beside it
            inputs = {name: tensor.repeat(len(some), 1, 1) for name, tensor in inputs.items()}
            ids = inputs["input_ids"][:, row]
        else:
            inputs = {name: tensor[row].repeat(len(some), 1) for name, tensor in inputs.items()}
            ids = inputs["input_ids"]
        for at, masked in enumerate(some):
            for word in masked:
                ids[at, list(self.words[word])] = self.mask
        model = self.loaded.model
        with exclusively(model), undisturbed(model), without_gradients(model):
            returned = returned_tensors(self.loaded.head, model(**inputs))
        return [self._number(returned, at) for at in range(len(some))]

    def _number(self, returned: Mapping[str, torch.Tensor], at: int) -> float:
        quantity = self.quantity.in_row(at)
        share = quantity.probability(returned)
        return float(quantity.of(returned).double()) if share is None else share
