"""Stations of the attention in the layer that is walked through, from query, key and value to the context."""

import math
import re
from collections.abc import Iterator

from ..traces import ops
from ..traces.ops import op_of
from ..traces.record import Step
from ..traces.sentences import real_places
from ..traces.values import masked_below
from ..traces.vocabulary import labels
from .layer import is_local
from .station import Command, Station, Tensor
from .tour import Tour, several

_PROJECTIONS = (labels.QUERY_PROJECTION, labels.KEY_PROJECTION, labels.VALUE_PROJECTION)
_HEADS = (labels.QUERY_HEADS, labels.KEY_HEADS, labels.VALUE_HEADS)
_SPLITS = (labels.QUERY_SPLIT, labels.KEY_SPLIT, labels.VALUE_SPLIT)


def query_key_value(tour: Tour) -> Station | None:
    """What each token asks, offers and hands on."""
    steps = [step for label in _PROJECTIONS if (step := tour.in_layer(label)) is not None]
    fused = tour.in_layer(labels.FUSED_PROJECTION)
    if fused is not None:
        steps = [fused]
    if not steps:
        return None
    width = steps[0].inputs[0].shape[-1] if steps[0].inputs else tour.size("hidden") or 0
    how = "Three linear layers turn" if fused is None else "One linear layer turns"
    told = [
        f"{how} the {width:,} numbers of each token into three vectors: a query, a key and a value.",
        "The query is what this token looks for, the key is what it can be found by, the value is what it hands on to "
        "tokens that look at it.",
    ]
    if fused is not None:
        told.append(f"All three stand side by side in one tensor of {fused.outputs[0].shape[-1]:,} numbers a token.")
    return Station(
        name="query-key-value",
        title="Query, key and value",
        question="What does a token look for, and what does it offer?",
        text=tuple(told),
        steps=tuple(step.id for step in steps),
        shown=tuple(Tensor(step=step.id) for step in steps),
        told=Tensor(step=steps[0].id),
        component=tour.around(steps[0]),
        more=tour.code(steps[0]),
    )


def heads(tour: Tour) -> Station | None:
    """The split into heads."""
    ends = [step for label in _HEADS if (step := tour.in_layer(label)) is not None]
    if not ends:
        return None
    splits = [step for label in (*_SPLITS, labels.FUSED_SPLIT) if (step := tour.in_layer(label)) is not None]
    count, size = tour.size("heads") or 0, tour.head_size or 0
    values = ("--values",) if tour.trace.model.weights != "none" else ()
    told = (
        f"Query, key and value of each token are cut into {several(count, 'part')} of {several(size, 'number')}, "
        f"one for each head.",
        "A head compares tokens by its own part alone, so a layer can look at the text in as many ways as it has "
        "heads.",
        "Nothing is computed here: the numbers are arranged anew, so that the tokens of one head lie together.",
    )
    if count == 1:
        told = (
            f"This model has one head, so query, key and value of each token stay whole: {several(size, 'number')}.",
            "With more heads each would compare tokens by a part of these numbers alone.",
            "Nothing is computed here: the tensor gets an axis for the head.",
        )
    return Station(
        name="heads",
        title="Split into heads",
        question="What would more heads do?" if count == 1 else f"Why are there {several(count, 'head')}?",
        text=told,
        steps=tuple(step.id for step in (*splits, *ends)),
        shown=(Tensor(step=ends[0].id),),
        told=Tensor(step=ends[0].id),
        component=tour.around(ends[0]),
        more=Command(
            ("run",), ("--layer", str(tour.first), "--module", tour.trace.steps[ends[0].parent or 0].path, *values)
        ),
    )


def rotation(tour: Tour) -> Station | None:
    """Queries and keys turned by the angle of their position."""
    ends = [
        step
        for label in (labels.ROTATED_QUERY, labels.ROTATED_KEY)
        for step in tour.steps(label, layer=tour.first)
        if not step.no_op
    ]
    if not ends or tour.first is None:
        return None
    inside = tour.steps(labels.QUERY_TIMES_COS, labels.QUERY_ROTATED_HALF_TIMES_SIN, layer=tour.first)
    return Station(
        name="rotation",
        title="Rotated queries and keys",
        question="How does a position get into a query?",
        text=(
            "Each number of a query or key is paired with the one half a head away, and the pair is turned like the "
            "hand of a clock, by the angle of the token's position.",
            "When a turned query meets a turned key, what counts is the difference of their angles: how far apart the "
            "two tokens stand.",
        ),
        steps=tuple(step.id for step in (*inside, *ends)),
        shown=tuple(Tensor(step=step.id) for step in ends),
        told=Tensor(step=ends[0].id),
        component=tour.around(ends[0]),
        more=tour.code(ends[0]),
    )


def scores(tour: Tour) -> Station | None:
    """The dot product of every query with every key."""
    step = tour.in_layer(labels.ATTENTION_SCORES, labels.CONTENT_TO_CONTENT)
    if step is None:
        return None
    turned = tour.in_layer(labels.KEY_TRANSPOSED, labels.SCALED_KEY_TRANSPOSED)
    return Station(
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
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
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
    return Station(
        name="scaling",
        title="Scaling",
        question="Why are the scores scaled?",
        text=told,
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
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
        return Station(
            name="position-scores",
            title="Relative position bias",
            question="How does a distance change a score?",
            text=(
                "To each score the number is added that this head has for the distance of the two tokens.",
                "So a head may prefer neighbours, or tokens far away, whatever they mean.",
            ),
            steps=(bias.id,),
            shown=(Tensor(step=bias.id),),
            told=Tensor(step=bias.id),
            component=tour.around(bias),
            more=tour.code(bias),
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
    return Station(
        name="mask",
        title="Attention mask",
        question="Which tokens must not be looked at?",
        text=tuple(told),
        steps=tuple(each.id for each in (made, step) if each is not None),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
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
    return Station(
        name="attention-probabilities",
        title="Attention probabilities",
        question="How does a token divide its attention?",
        text=tuple(told),
        steps=tuple(each.id for each in (step, dropout) if each is not None),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.with_numbers(Command(("attention",), ("--layer", str(tour.first))), otherwise=tour.code(step)),
    )


def context(tour: Tour) -> Station | None:
    """The values, mixed by the shares."""
    step = tour.in_layer(labels.CONTEXT_FOLDED) or tour.in_layer(labels.CONTEXT)
    if step is None or tour.in_layer(labels.FUSED_ATTENTION) is not None:
        return None
    return Station(
        name="context",
        title="Context",
        question="What does a token take from the others?",
        text=(
            "In each head a token takes the values of all tokens, each multiplied by its share, and adds them up.",
            "A token that gives nearly all its attention to one other gets nearly a copy of that one's value.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def fused(tour: Tour) -> Station | None:
    """All of the attention in one operation, where it is that."""
    step = tour.in_layer(labels.FUSED_ATTENTION)
    if step is None:
        return None
    told = [
        "One fused operation of torch multiplies queries with keys, scales the scores, "
        + ("masks them, " if len(step.inputs) > 3 and (tour.is_padded or is_local(tour, tour.first or 0)) else "")
        + "takes the softmax and mixes the values: its result is the context.",
        "Scores and probabilities are never stored. With eager attention they are computed step by step.",
    ]
    return Station(
        name="fused-attention",
        title="Fused attention",
        question="How does a token look at the others?",
        text=tuple(told),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=Command(("compare",), ("--b", "attention=eager")),
    )


def merged(tour: Tour) -> Station | None:
    """The heads side by side again."""
    steps = [
        step
        for label in (labels.CONTEXT_PERMUTED, labels.CONTEXT_RESHAPED)
        if (step := tour.in_layer(label)) is not None
    ]
    if not steps:
        return None
    last = steps[-1]
    count, size = tour.size("heads") or 0, tour.head_size or 0
    made = f"The {several(size, 'number')} that each of the {several(count, 'head')} made for a token are laid side"
    told = f"{made} by side: {count} x {size} = {last.outputs[0].shape[-1]:,} numbers."
    if count == 1:
        told = f"There is one head, so the {several(size, 'number')} that it made for a token are all there are."
    return Station(
        name="merged-heads",
        title="Heads side by side",
        question="How do the heads come together?",
        text=(
            told,
            "Again nothing is computed, the numbers are only arranged anew.",
        ),
        steps=tuple(step.id for step in steps),
        shown=(Tensor(step=last.id),),
        told=Tensor(step=last.id),
        component=tour.around(last),
        more=tour.code(last),
    )


def projection(tour: Tour) -> Station | None:
    """The linear layer that mixes the heads."""
    step = tour.in_layer(labels.ATTENTION_OUTPUT_PROJECTION)
    if step is None:
        return None
    one = tour.size("heads") == 1
    told: tuple[str, ...] = (
        "A linear layer makes each new number out of all numbers of the token, so out of all heads.",
        "Up to here the heads worked apart; from here on each number has something of every head in it.",
    )
    if one:
        told = ("A linear layer makes each new number out of all numbers that the head made for the token.",)
    return Station(
        name="attention-output",
        title="Attention output projection",
        question="What becomes of what the head made?" if one else "How are the heads mixed?",
        text=told,
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.explained("--by", "component", otherwise=tour.code(step)),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them."""
    yield query_key_value(tour)
    yield heads(tour)
    yield rotation(tour)
    yield scores(tour)
    yield scaling(tour)
    yield position_scores(tour)
    yield mask(tour)
    yield probabilities(tour)
    yield context(tour)
    yield fused(tour)
    yield merged(tour)
    yield projection(tour)
