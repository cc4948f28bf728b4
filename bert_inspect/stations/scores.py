"""Stations from the scores to the probabilities: how a token divides its attention."""

import math
import re
from collections.abc import Iterator

from ..traces import ops
from ..traces.ops import op_of
from ..traces.record import Step
from ..traces.sentences import real_places
from ..traces.values import masked_below
from ..traces.vocabulary import labels
from .layers import is_local
from .station import Command, Station, Tensor
from .tour import Tour


def scores(tour: Tour) -> Station | None:
    """The dot product of every query with every key."""
    step = tour.in_layer(labels.ATTENTION_SCORES, labels.CONTENT_TO_CONTENT)
    if step is None:
        return None
    turned = tour.in_layer(labels.KEY_TRANSPOSED, labels.SCALED_KEY_TRANSPOSED)
    return tour.station(
        step,
        name="attention-scores",
        title="Attention scores",
        question="How well does each query fit each key?",
        text=(
            "In each head the score of two tokens is the dot product of the query of one and the key of the other: "
            "their numbers are multiplied place by place and added up.",
            "It is large where both vectors point the same way, and negative where they point apart.",
            "The keys are transposed, so that one matrix product gives a row for each query token and a column for "
            "each key token.",
        ),
        steps=tuple(each.id for each in (turned, step) if each is not None),
    )


def scaling(tour: Tour) -> Station | None:
    """What the scores, or the keys before them, are multiplied by."""
    step = tour.in_layer(labels.SCALED_ATTENTION_SCORES)
    before = tour.in_layer(labels.SCALED_KEY_TRANSPOSED)
    why = (
        "A sum of more products is larger by chance alone; without the scale, the softmax of large scores would give "
        "nearly everything to one key."
    )
    if before is not None:
        scale = _scale(tour, before)
        by = f" by {scale:.4g}" if scale is not None else ""
        return _scaled(tour, before, (f"Before the product each key is divided{by}.", why))
    if step is None or op_of(step.type).family not in (ops.SCALE, ops.DIVIDE):
        return None
    return _scaled(tour, step, (*_by_factor(tour, step), why))


def _scaled(tour: Tour, step: Step, told: tuple[str, ...]) -> Station:
    return tour.station(
        step,
        name="scaling",
        title="Scaling",
        question="Why are the scores scaled?",
        text=told,
    )


def _by_factor(tour: Tour, step: Step) -> tuple[str, ...]:
    """Return sentences on a constant factor, with what it is of the head's size where it is that."""
    number = re.match(r"-?\d+(\.\d+)?(e-?\d+)?$", step.arguments.split(",")[0].strip())
    if number is None:
        return ("Each score is scaled by the same number.",)
    factor, size = float(number[0]), tour.head_size
    divides = op_of(step.type).family == ops.DIVIDE
    how = "divided" if divides else "multiplied"
    root = math.sqrt(size) if size else 0.0
    if size and math.isclose(factor, root if divides else 1 / root, rel_tol=1e-6):
        is_what = f"the square root of {size}" if divides else f"1 divided by the square root of {size}"
        return (f"Each score is {how} by {factor:.4g}: {is_what}, the size of a head.",)
    return (f"Each score is {how} by {factor:.4g}.",)


def _scale(tour: Tour, step: Step) -> float | None:
    """Return the number that a step divides by, where it was kept."""
    made = [tensor.from_ for tensor in step.inputs if not tensor.shape and tensor.from_ is not None]
    held = tour.values(tour.trace.steps[made[0]]) if made else None
    return None if held is None else float(held)


def position_scores(tour: Tour) -> Station | None:
    """What distances add to the scores."""
    bias = tour.in_layer(labels.BIASED_ATTENTION_SCORES)
    if bias is not None:
        return tour.station(
            bias,
            name="position-scores",
            title="Relative position bias",
            question="How does a distance change a score?",
            text=(
                "To each score the number is added that this head has for the distance of the two tokens.",
                "So a head may prefer neighbours, or tokens far away, whatever they mean.",
            ),
        )
    parts = [
        step
        for label in (labels.SCALED_CONTENT_TO_POSITION, labels.SCALED_POSITION_TO_CONTENT)
        if (step := tour.in_layer(label)) is not None
    ]
    total = [step for step in tour.steps(labels.SCALED_ATTENTION_SCORES, layer=tour.first) if not step.no_op]
    if not parts or not total or tour.first is None:
        return None
    what = {
        labels.SCALED_CONTENT_TO_POSITION: "each query is compared with a key of the distance (content to position)",
        labels.SCALED_POSITION_TO_CONTENT: "each key is compared with a query of the distance (position to content)",
    }
    return Station(
        name="position-scores",
        title="Scores of positions",
        question="How does a distance change a score?",
        text=(
            "Besides the words, this attention compares words with distances: "
            + ", and ".join(what[step.label] for step in parts)
            + ".",
            "These scores are added to those of the words.",
        ),
        steps=(*(step.id for step in parts), total[0].id),
        shown=tuple(Tensor(step=step.id) for step in (*parts, total[-1])),
        told=Tensor(step=total[0].id),
        component=tour.around(total[0]),
        more=tour.code(total[0]),
    )


def mask(tour: Tour) -> Station | None:
    """What hides keys, where it hides some."""
    step = tour.in_layer(labels.MASKED_ATTENTION_SCORES)
    if step is None or not _hides(tour, step):
        return None
    made = next(iter(tour.steps(*labels.MASKS)), None)
    padding = [row + 1 for row, seen in enumerate(tour.batch.attention_mask) if 0 in seen]
    told = []
    if padding:
        told.append("Padding is no text, so no token may look at it.")
    adds = op_of(step.type).family == ops.ADD and not step.type.startswith("masked_fill") and step.type != "where"
    how = "a number far below all scores is added" if adds else "the score is set to the lowest number of its type"
    told.append(f"Where a key is hidden, {how}; the softmax makes 0 of it.")
    local = tour.first is not None and is_local(tour, tour.first)
    if local:
        far = "keys that stand too far away are hidden" + (" as well" if padding else "")
        told.append(
            f"In this layer attention is local: {far}{'' if _hides_far(tour, step) else ', but here none does'}."
        )
    if padding and tour.row + 1 not in padding and not local:
        told.append(
            f"This text has no padding, so its scores stay as they are; text {padding[0]} of the batch has some."
        )
    return tour.station(
        step,
        name="mask",
        title="Attention mask",
        question="Which tokens must not be looked at?",
        text=tuple(told),
        steps=tuple(each.id for each in (made, step) if each is not None),
        more=tour.with_numbers(Command(("doctor",), ("--only", "padding")), otherwise=tour.code(step)),
    )


def _hides(tour: Tour, step: Step) -> bool:
    """Whether a masked score is hidden, in any sentence; of a run without numbers whether there is padding."""
    held = tour.values(step)
    below = masked_below(step.label, step.outputs[0].dtype)
    if held is None or below is None:
        return tour.is_padded
    return bool((held < below).any())


def _hides_far(tour: Tour, step: Step) -> bool:
    """Whether a real token's score with another of the sentence is hidden; of a run without numbers that it may be."""
    held = tour.values(step)
    below = masked_below(step.label, step.outputs[0].dtype)
    if held is None or below is None or held.ndim != 4 or tour.row >= held.shape[0]:
        return True
    real = real_places(tour.batch, tour.row)
    return bool((held[tour.row][:, real][:, :, real] < below).any())


def probabilities(tour: Tour) -> Station | None:
    """The softmax."""
    step = tour.in_layer(labels.ATTENTION_PROBABILITIES)
    if step is None:
        return None
    dropout = tour.in_layer(labels.ATTENTION_DROPOUT)
    told = [
        "The softmax turns the scores of each query token into shares: none is negative, those of one query token (a "
        "row) add up to 1, and a higher score gets a larger share.",
        "The shares say how much of each key token's value this token will take.",
    ]
    if dropout is not None and dropout.no_op:
        told.append("The dropout that follows works in training only: now it hands on what it gets.")
    return tour.station(
        step,
        name="attention-probabilities",
        title="Attention probabilities",
        question="How does a token divide its attention?",
        text=tuple(told),
        steps=tuple(each.id for each in (step, dropout) if each is not None),
        more=tour.with_numbers(Command(("attention",), ("--layer", str(tour.first))), otherwise=tour.code(step)),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them."""
    yield scores(tour)
    yield scaling(tour)
    yield position_scores(tour)
    yield mask(tour)
    yield probabilities(tour)
