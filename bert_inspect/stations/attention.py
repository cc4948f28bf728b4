"""Stations of the attention in the layer that is walked through, besides its scores: heads, context, projection."""

from collections.abc import Iterator

from ..traces.vocabulary import labels
from .layers import is_local
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


def context(tour: Tour) -> Station | None:
    """The values, mixed by the shares."""
    step = tour.in_layer(labels.CONTEXT_FOLDED) or tour.in_layer(labels.CONTEXT)
    if step is None or tour.in_layer(labels.FUSED_ATTENTION) is not None:
        return None
    return tour.station(
        step,
        name="context",
        title="Context",
        question="What does a token take from the others?",
        text=(
            "In each head a token takes the values of all tokens, each multiplied by its share, and adds them up.",
            "A token that gives nearly all its attention to one other gets nearly a copy of that one's value.",
        ),
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
    return tour.station(
        step,
        name="fused-attention",
        title="Fused attention",
        question="How does a token look at the others?",
        text=tuple(told),
        steps=(step.id,),
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
    return tour.station(
        last,
        name="merged-heads",
        title="Heads side by side",
        question="How do the heads come together?",
        text=(
            told,
            "Again nothing is computed, the numbers are only arranged anew.",
        ),
        steps=tuple(step.id for step in steps),
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
    return tour.station(
        step,
        name="attention-output",
        title="Attention output projection",
        question="What becomes of what the head made?" if one else "How are the heads mixed?",
        text=told,
        steps=(step.id,),
        more=tour.explained("--by", "component", otherwise=tour.code(step)),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them."""
    yield query_key_value(tour)
    yield heads(tour)
    yield rotation(tour)
    yield context(tour)
    yield fused(tour)
    yield merged(tour)
    yield projection(tour)
