"""Does the model tell sentences apart? Those as unlike as the vocabulary makes them must not all get one answer."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...traces.record import Step, TensorOut, Trace
from ...traces.tree import completion
from ..attention import Array, array
from .answered import main_name, main_rows
from .check_context import CheckContext
from .diagnosis import Finding

_SENTENCES, _WORDS = 6, 8
_DEAD = 1e-4
"""The share of its largest entry below which what differs between sentences no longer matters. What float32 rounds lies
below 1e-6; a small model as it is drawn keeps some 1e-4, a trained one more than 1e-1.
"""


def answers(context: CheckContext) -> Finding:
    """Do unlike sentences get different answers? If not: at which step does what tells them apart die?"""
    trace = context.run(context.encoded(_unlike(context)))
    told, what = _apart(main_rows(trace, context.loaded.head)), main_name(context.loaded.head)
    if told.size and np.isfinite(told).all() and _spread(told) < _DEAD:
        return _all_alike(trace, told, what)
    differ = float(np.ptp(told, axis=0).max(initial=0.0)) if told.size else 0.0
    return Finding(
        question="answers",
        verdict="pass",
        evidence=f"{_SENTENCES} sentences of random words get {what} that differ by up to {differ:.2g}",
    )


def _all_alike(trace: Trace, told: Array, what: str) -> Finding:
    differ = float(np.ptp(told, axis=0).max())
    evidence = f"{_SENTENCES} sentences of random words get the same answer: their {what} differ by {differ:.1g}"
    fallen = _where_it_dies(trace)
    if fallen is not None:
        step, before, after = fallen
        evidence += (
            f"; what tells them apart dies in {step.label} of {step.path or 'the model'}, where it falls from "
            f"{before:.1g} to {after:.1g} of the largest entry"
        )
    return Finding(
        question="answers",
        verdict="fail",
        evidence=evidence,
        fix=_CAUSAL if trace.model.config.get("is_decoder") else _COLLAPSED,
        path=None if fallen is None else fallen[0].path,
        label=None if fallen is None else fallen[0].label,
    )


_COLLAPSED = "look at the weights of that step, or go back to an earlier checkpoint: its training may have collapsed"
_CAUSAL = "is_decoder hides from each token what follows, so [CLS] sees nothing: set it to false in config.json"


def _unlike(context: CheckContext) -> Sequence[str]:
    """Return sentences that have nothing in common: words drawn from the vocabulary, the same ones each time."""
    special = set(context.tokenizer.all_special_ids)
    ids = sorted(set(context.tokenizer.get_vocab().values()) - special)
    random = Random(0)
    return [context.tokenizer.decode(random.choices(ids, k=_WORDS)) for _ in range(_SENTENCES)]


def _where_it_dies(trace: Trace) -> tuple[Step, float, float] | None:
    """Return the step after which nothing tells the sentences apart any more, with what did before and after it."""
    real = np.array(trace.input.attention_mask, dtype=bool)
    around = {step.parent for step in trace.steps}  # a module around others hands on what they made
    before = 0.0
    found: tuple[Step, float, float] | None = None
    for step in completion(trace.steps):
        if step.id in around:
            continue
        spread = next((s for out in step.outputs if (s := _of_tensor(out, real)) is not None), None)
        if spread is None:
            continue
        if spread >= _DEAD:
            before, found = spread, None
        elif found is None and before:
            found = step, before, spread
    return found


def _of_tensor(tensor: TensorOut, real: NDArray[np.bool_]) -> float | None:
    """Return the spread of a tensor over the real tokens of all sentences, or over the sentences where it has one row
    for each; None where it is neither.
    """
    if tensor.values is None or tensor.axes is None or tensor.axes[0:1] != ["batch"] or tensor.dtype[:3] == "int":
        return None
    if tensor.axes[1:2] == ["tokens"] and len(tensor.shape) == 3 and tensor.shape[:2] == list(real.shape):
        return _spread(array(tensor)[real])
    if len(tensor.shape) == 2 and tensor.shape[0] == len(real) and tensor.axes[1] != "tokens":
        rows = array(tensor)
        return _spread(_apart(rows) if tensor.axes[1] == "labels" else rows)
    return None


def _apart(logits: Array) -> Array:
    """Return logits (sentences, labels) without what they have in common, which no softmax sees."""
    return logits - logits.mean(axis=1, keepdims=True) if logits.ndim == 2 and logits.shape[1] > 1 else logits


def _spread(rows: Array) -> float:
    """Return how far rows (n, features) are apart in any feature, as a share of the largest entry."""
    largest = float(np.abs(rows).max(initial=0.0))
    return float(np.ptp(rows, axis=0).max(initial=0.0)) / largest if largest and len(rows) else 0.0
