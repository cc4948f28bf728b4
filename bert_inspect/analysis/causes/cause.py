"""Why two runs part: the first divergent step is computed anew from what A received, as each usual suspect would.

A suspect is a thing that implementations of BERT get differently: each yields variants of the step. It explains the
divergence if one variant gives what A has, and another what B has.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from msgspec import structs
from torch import nn

from ...diff import Cause, Comparison, Diff, StepDiff
from ...traces.values import strict
from .context import StepContext, Unknown, Variant
from .hypotheses import HYPOTHESES
from .inputs import from_edits, from_inputs


def with_cause(comparison: Comparison, found: Diff, model: nn.Module, other: nn.Module | None = None) -> Diff:
    """Return what was found with its cause, where there is a first divergence to look at: other sentences need none."""
    if found.first is None or found.other_texts:
        return found
    return structs.replace(found, cause=find_cause(comparison, found.first, model, other))


def find_cause(
    comparison: Comparison, first: StepDiff, model: nn.Module | None, other: nn.Module | None = None
) -> Cause:
    """Try every suspect on the first divergent step and return the one that closes the gap, if one does.

    ``model`` is the one that made A, ``other`` the one that made B, where they are at hand.
    """
    if (given := from_edits(comparison, first) or from_inputs(comparison, first)) is not None:
        return given
    gap = first.max_abs
    if not _has_values(comparison, first):
        note = (
            "the cause was not searched for: that needs the values of both runs "
            "(run with `values=True`, or with `tensors=FILE`)"
        )
        return Cause(suspect="", says="", gap=gap, gap_left=None, tried=[], note=note)
    context = StepContext(comparison, first, model, other)
    best: tuple[float, str, str] | None = None
    tried = []
    with torch.inference_mode():
        for name, suspect in HYPOTHESES.items():
            variants = list(_variants(suspect, context))
            if len(variants) < 2:
                continue
            tried.append(name)
            found = _closest(context, variants)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], name, found[1])
        if best is not None:
            says = f"{best[2]} ({_falls(gap, best[0])})"
            return Cause(suspect=best[1], says=says, gap=gap, gap_left=strict(best[0]), tried=tried, note="")
        note = f"not explained by any of the {_COUNT.get(len(HYPOTHESES), len(HYPOTHESES))} tried"
        if not tried:
            note += " (none of them applies to this step)"
        left = None
        if other is not None and (weights := _weights(context)) is not None:
            left, differing = weights
            note += f"; the weights differ: {differing} (with B's {_falls(gap, left)})"
    return Cause(suspect="", says="", gap=gap, gap_left=None if left is None else strict(left), tried=tried, note=note)


_COUNT = {9: "nine"}


def _has_values(comparison: Comparison, first: StepDiff) -> bool:
    """Whether values of the step are at hand in both runs, its shapes differ or not."""
    if first.by != "shapes":
        return first.by == "values"
    both = [(comparison.a, comparison.a.steps[first.a]), (comparison.b, comparison.b.steps[first.b])]
    return all(step.outputs and side.has_values(step, step.outputs[0]) for side, step in both)


def _variants(suspect: Callable[[StepContext], Iterator[Variant]], context: StepContext) -> Iterator[Variant]:
    """Yield a suspect's variants, as far as what they need was recorded and fits together."""
    try:
        yield from suspect(context)
    except (Unknown, RuntimeError, IndexError, ValueError):
        return


def _closest(context: StepContext, variants: list[Variant]) -> tuple[float, str] | None:
    """Return what remains of the gap with the variant that is nearest to B, and what A and B are, if A is one of the
    variants and B another.
    """
    mine = next((variant for variant in variants if context.is_a(variant.tensor)), None)
    if mine is None:
        return None
    left: tuple[float, str] | None = None
    for variant in variants:
        if variant is mine:
            continue
        gap, noise = context.gap(variant.tensor)
        if noise and (left is None or gap < left[0]):
            left = gap, f"{variant.subject} {mine.words} against {variant.words}"
    return left


def _falls(gap: Any, left: float) -> str:
    if gap is None or isinstance(gap, str):
        return f"with it the gap is {_brief(left)}"
    return f"gap falls from {_brief(gap)} to {_brief(left)}"


def _brief(number: float) -> str:
    return f"{number:.1e}".replace("e-0", "e-").replace("e+00", "") if number else "0"


def _weights(context: StepContext) -> tuple[float, str] | None:
    """Return what remains of the gap when the step is computed with B's parameters, and which of them differ.

    Where the two are of different types, a weight differs if rounding does not explain it: that moves nearly all.
    """
    if context.step.kind != "module" or context.other_model is None:
        return None
    try:
        mine, theirs = context.module, context.other_model.get_submodule(context.partner.path)
        parameters = dict(theirs.named_parameters())
        differing = [
            _described(f"{context.step.path}.{name}", parameter, parameters[name], apart)
            for name, parameter in mine.named_parameters()
            if name in parameters
            and parameter.shape == parameters[name].shape
            and bool((apart := _apart(parameter, parameters[name])).any())
        ]
        if not differing:
            return None
        one = next(theirs.parameters())
        output = theirs(_as_given_to(context.received(), one)).to("cpu")
    except (Unknown, RuntimeError, AttributeError, TypeError):
        return None
    gap, noise = context.gap(output)
    return (gap, " and ".join(differing)) if noise else None


def _as_given_to(received: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Return what a step received in the type, and on the device, of a module's parameter; ids stay what they are."""
    dtype = parameter.dtype if received.is_floating_point() else received.dtype
    return received.to(parameter.device, dtype)


def _apart(mine: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Return which entries of two parameters differ by more than rounding one number to either type does."""
    one, other = mine.detach().double().cpu(), theirs.detach().double().cpu()
    if mine.dtype == theirs.dtype:
        return one != other
    infos = [torch.finfo(dtype) for dtype in (mine.dtype, theirs.dtype)]
    rounded = sum(info.eps / 2 for info in infos) * torch.maximum(one.abs(), other.abs())
    return (one - other).abs() > rounded + max(info.smallest_normal * info.eps for info in infos)


def _described(name: str, mine: torch.Tensor, theirs: torch.Tensor, apart: torch.Tensor) -> str:
    count = int(apart.sum())
    text = f"{name} in {count:,} of {apart.numel():,} entries"
    if count == 1:
        place = tuple(int(index) for index in apart.nonzero()[0])
        text += f" ({list(place)}: {float(mine[place]):g} against {float(theirs[place]):g})"
    return text
