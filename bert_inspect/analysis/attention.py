"""Attention out of a trace: probabilities as recorded, or rebuilt from queries, keys and mask and certified; and what
is said of a head. NumPy alone, so that a saved trace is enough.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..diff.arrays import as_array
from ..errors import TraceFileError, UsageError
from ..traces.lookup import origin
from ..traces.record import Step, TensorOut, Trace
from ..traces.sentences import classification_place
from ..traces.values import UNIT_ROUNDOFF
from ..traces.vocabulary import axes, labels, roles

Array = NDArray[np.float64]

_MOST = 1e3
"""Dropout while training scales probabilities up, to some more than 1; what is far larger is none."""

HOW_TO_KEEP = "trace it with `values=True`"


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """How far the product of rebuilt probabilities and values lies from the fused output that was recorded.

    ``difference`` is the largest absolute difference over the rows in which something is visible, ``rounding`` half a
    unit of the recorded dtype at the fused output's largest entry: what storing the output alone may cost.
    """

    difference: float
    rounding: float


@dataclass(frozen=True, kw_only=True)
class LayerAttention:
    """One encoder layer's attention.

    ``probabilities`` are ``(batch, heads, query tokens, key tokens)``. ``blind`` lists (sentence, query token) pairs to
    which no key is visible: there eager attention spreads evenly over what is hidden and fused attention gives another
    result; their rebuilt probabilities are NaN. ``rebuilt`` is None where the probabilities were recorded.
    """

    layer: int
    path: str
    probabilities: Array
    blind: list[tuple[int, int]]
    rebuilt: Rebuilt | None


@dataclass(frozen=True, kw_only=True)
class HeadSummary:
    """Where one head looks in one sentence, on average over its real query tokens.

    ``entropy`` is in bits; ``classification``, ``separators`` and ``padding`` are the shares of the probability that
    fall on [CLS], on [SEP] and on padding.
    """

    entropy: float
    classification: float
    separators: float
    padding: float


def attentions(trace: Trace) -> list[LayerAttention]:
    """Return the attention of every layer that the trace holds it of, in the order of the calls.

    Raises:
        UsageError: the trace holds no values to take it from.
        TraceFileError: what it holds is not attention over the tokens of its sentences.
    """
    found = [layer for step in trace.steps if step.kind == "module" and (layer := _of_module(trace, step)) is not None]
    if not found:
        raise UsageError("this trace holds no values of attention", HOW_TO_KEEP)
    return found


def _of_module(trace: Trace, module: Step) -> LayerAttention | None:
    if module.role != roles.SELF_ATTENTION:
        return None
    inside = [step for step in trace.steps[module.id + 1 :] if step.parent == module.id]
    fused = next((step for step in inside if step.label == labels.FUSED_ATTENTION and _is_over_tokens(step)), None)
    if fused is not None:
        with np.errstate(all="ignore"):
            return _rebuild(trace, module, fused)
    outputs = [
        *module.outputs,
        *(out for step in inside for out in step.outputs if step.label == labels.ATTENTION_PROBABILITIES),
    ]
    held = next((out for out in outputs if out.axes == axes.SCORES and out.values is not None), None)
    if held is None:
        return None
    probabilities = array(held)
    _check_shape(trace, module, probabilities.shape)
    if not (np.isnan(probabilities) | (np.abs(probabilities) < _MOST)).all():
        raise _misfit(module, "it holds numbers that are no probabilities")
    return LayerAttention(
        layer=module.layer or 0,
        path=module.path,
        probabilities=probabilities,
        blind=_spread_over_padding(probabilities, np.array(trace.input.attention_mask, dtype=bool)),
        rebuilt=None,
    )


def _spread_over_padding(probabilities: Array, real: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the (sentence, query token) pairs to which no key is visible: all keys are padding, or all heads attend to
    every token exactly alike, padding among them, because all scores are the same lowest number.
    """
    alike = (probabilities.max(axis=3) == probabilities.min(axis=3)).all(axis=1)  # (batch, query tokens)
    padded, empty = ~real.all(axis=1, keepdims=True), ~real.any(axis=1, keepdims=True)
    return [(int(row), int(query)) for row, query in np.argwhere((alike & padded) | empty)]


def _is_over_tokens(fused: Step) -> bool:
    """Whether tokens attend to tokens, and not channels to channels."""
    return all(output.axes in (None, axes.HEADS) for output in fused.outputs[:1])


def _rebuild(trace: Trace, module: Step, fused: Step) -> LayerAttention | None:
    """Compute the probabilities that the fused attention never wrote down, as its definition says:
    softmax(query x key transposed x scale + mask), in float64.
    """
    names = ("query", "key", "value")
    query, key, value = (_input(trace, fused, name) for name in names)
    output = next(iter(fused.outputs), None)
    if query is None or key is None or value is None or output is None or output.values is None:
        return None
    _check_shape(trace, module, (*query.shape[:-1], *key.shape[-2:-1]))
    _check_product(module, query, key, value, output)
    scale = _scale(module, fused, query.shape[-1])
    scores = np.einsum("bhqd,bhkd->bhqk", query, key) * scale
    if any(tensor.name == "attn_mask" for tensor in fused.inputs):
        mask = _input(trace, fused, "attn_mask")
        if mask is None:
            return None
        try:
            mask = np.broadcast_to(mask, scores.shape)
        except ValueError as error:
            raise _misfit(module, f"its mask has the shape {list(mask.shape)}") from error
        boolean = next(tensor.dtype for tensor in fused.inputs if tensor.name == "attn_mask") == "bool"
        scores = np.where(mask != 0, scores, -np.inf) if boolean else scores + mask
    if "is_causal=True" in fused.arguments:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    seeing = np.isfinite(scores).any(axis=-1)
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities = raised / raised.sum(axis=-1, keepdims=True)
    recorded = array(output)
    apart = np.abs(np.einsum("bhqk,bhkd->bhqd", probabilities, value) - recorded)[seeing]
    largest = np.abs(recorded[seeing]).max(initial=0.0)
    return LayerAttention(
        layer=module.layer or 0,
        path=module.path,
        probabilities=probabilities,
        blind=[(int(row), int(at)) for row, at in np.argwhere(~seeing.any(axis=1))],
        rebuilt=Rebuilt(
            difference=float(apart.max(initial=0.0)), rounding=float(largest * UNIT_ROUNDOFF.get(output.dtype, 0.0))
        ),
    )


def _check_shape(trace: Trace, module: Step, shape: Sequence[int]) -> None:
    """Refuse probabilities that are not (batch, heads, query tokens, key tokens) of the trace's sentences.

    Raises:
        TraceFileError: says what they are instead.
    """
    rows = trace.input.tokens
    tokens = len(rows[0]) if rows else 0
    fits = len(shape) == 4 and (shape[0], shape[2], shape[3]) == (len(rows), tokens, tokens) and shape[1] > 0
    if not fits or any(len(row) != tokens for row in rows):
        raise _misfit(module, f"it has the shape {list(shape)}, the input {len(rows)} sentences of {tokens} tokens")


def _check_product(module: Step, query: Array, key: Array, value: Array, output: TensorOut) -> None:
    """Refuse queries, keys and values between which there is no attention.

    Raises:
        TraceFileError: says what shapes they have.
    """
    alike = query.ndim == key.ndim == value.ndim == 4 and query.shape[:2] == key.shape[:2] == value.shape[:2]
    fit = alike and query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    if not fit or tuple(output.shape) != (*query.shape[:-1], value.shape[-1]):
        shapes = ", ".join(str(list(each)) for each in (query.shape, key.shape, value.shape, output.shape))
        raise _misfit(module, f"query, key, value and output have the shapes {shapes}")


def _scale(module: Step, fused: Step, head_dim: int) -> float:
    """Return by what the scores were scaled: what the step says, else one by the root of the head's size.

    Raises:
        TraceFileError: it says something that is no number.
    """
    given = re.search(r"scale=([^,)\s]+)", fused.arguments)
    try:
        return float(given[1]) if given and given[1] != "None" else max(head_dim, 1) ** -0.5
    except ValueError as error:
        raise _misfit(module, f"its scale is {given[1] if given else ''}") from error


def _misfit(module: Step, why: str) -> TraceFileError:
    return TraceFileError(f"the attention of {module.path} cannot be shown: {why}", "trace it again")


def _input(trace: Trace, step: Step, name: str) -> Array | None:
    """Return the values of what a step received under a name, from the step that it came from."""
    seen = next((tensor for tensor in step.inputs if tensor.name == name), None)
    found = None if seen is None else origin(trace.steps, seen)
    return None if found is None or found[1].values is None else array(found[1])


def array(tensor: TensorOut) -> Array:
    """Return a tensor's recorded values in float64, in its shape."""
    assert tensor.values is not None, "asked for only where values are held"
    return as_array(tensor.values).astype(np.float64)


def summaries(layer: LayerAttention, trace: Trace, row: int) -> list[HeadSummary]:
    """Return what is said of each head in one sentence."""
    first, separators, padding = marks(trace, row)
    queries = ~padding & ~np.isnan(layer.probabilities[row]).any(axis=(0, 2))
    return [
        HeadSummary(
            entropy=_mean(entropies(head[queries])),
            classification=_mean(head[queries][:, first].sum(axis=1)),
            separators=_mean(head[queries][:, separators].sum(axis=1)),
            padding=_mean(head[queries][:, padding].sum(axis=1)),
        )
        for head in layer.probabilities[row]
    ]


def marks(trace: Trace, row: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which tokens of a sentence are its [CLS], its [SEP]s and padding, each ``(tokens,)``.

    [CLS] is the special token that a sentence begins with, [SEP] the one that closes it, whatever the vocabulary calls
    them; a tokenizer may put neither there.
    """
    batch = trace.input
    padding = ~np.array(batch.attention_mask[row], dtype=bool)
    special = np.array(batch.special[row] if batch.special else np.ones(len(padding)), dtype=bool)
    names = np.array(batch.tokens[row], dtype=object)
    begins = classification_place(batch, row)
    first = np.arange(len(names)) == (-1 if begins is None else begins)
    last = np.flatnonzero(~padding)[-1:]
    closing = names[last[0]] if last.size and special[last[0]] else None
    return first, (names == closing) & ~padding & ~first, padding


def entropies(rows: Array) -> Array:
    """Return the entropy of each row of probabilities in bits: 0 where all falls on one token, log2(n) where it is
    spread evenly over n.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(rows > 0, -rows * np.log2(rows), 0.0)
    result: Array = terms.sum(axis=-1)
    return result


def _mean(numbers: Array) -> float:
    return float(numbers.mean()) if numbers.size else float("nan")


def chosen(layers: Sequence[LayerAttention], numbers: Sequence[int], head: int | None) -> list[LayerAttention]:
    """Return the layers that are asked for, all where none is.

    Raises:
        UsageError: the trace does not hold one of them, or they have no such head.
    """
    there = sorted({layer.layer for layer in layers})
    if missing := sorted(set(numbers) - set(there)):
        held = ", ".join(map(str, there))
        raise UsageError(f"this trace holds no attention of layer {missing[0]}", f"it holds that of layers {held}")
    wanted = [layer for layer in layers if not numbers or layer.layer in numbers]
    heads = wanted[0].probabilities.shape[1]
    if head is not None and not 0 <= head < heads:
        raise UsageError(f"there is no head {head}: this model has heads 0 to {heads - 1}", "heads are counted from 0")
    return wanted
