"""Questions about the numbers of one run: are they finite, do units and heads still tell anything apart?"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ...diff.words import place_in_words
from ...traces.record import Step, TensorOut, Trace
from ...traces.tree import completion
from ...traces.vocabulary import labels, roles
from ..attention import Array, array
from .check_context import CheckContext
from .diagnosis import Finding

_SATURATED = 0.9999
_MOST = 0.9
_SILENT = 0.5


def finite(context: CheckContext) -> Finding:
    """Which step first makes NaN or infinity of finite numbers?"""
    trace = context.trace
    for step in completion(trace.steps):
        for output in step.outputs:
            if _wrong(step, output) and not any(_wrong_input(trace, step)):
                return _blamed(context, trace, step, output)
    if trace.failure is not None:
        return Finding(
            question="finite",
            verdict="fail",
            evidence=f"the forward failed in {trace.failure.path or 'the model'}: {trace.failure.cause}",
            fix="bert-inspect run shows the step that fails",
            path=trace.failure.path,
        )
    return Finding(question="finite", verdict="pass", evidence=f"all numbers of {len(trace.steps)} steps are finite")


def _wrong(step: Step, output: TensorOut) -> bool:
    stats = output.stats
    if stats is None:
        return False
    return bool(stats.nan or (stats.inf and step.label not in _MAY_BE_INFINITE))


_MAY_BE_INFINITE = {
    *labels.MASKS,
    labels.MASKED_ATTENTION_SCORES,  # some mask with minus infinity, on purpose
    labels.LOGARITHMS_OF_DISTANCES,  # of a token from itself: what becomes of it is not chosen
    labels.SCALED_LOGARITHMS,
}


def _wrong_input(trace: Trace, step: Step) -> Iterator[bool]:
    for tensor in step.inputs:
        if tensor.from_ is not None:
            source = trace.steps[tensor.from_]
            yield any(_wrong(source, output) for output in source.outputs if output.shape == tensor.shape)


def _blamed(context: CheckContext, trace: Trace, step: Step, output: TensorOut) -> Finding:
    place = ""
    if output.values is not None:
        wrong = np.argwhere(~np.isfinite(array(output)))
        first, heads = [int(index) for index in wrong[0]], trace.model.sizes.heads
        place = f" at {place_in_words(first, output.axes, trace.input, heads=heads)}"
    module = context.model.get_submodule(step.path)
    held = [name for name, tensor in module.named_parameters(recurse=False) if not bool(tensor.isfinite().all())]
    because = f": its {held[0]} holds such numbers" if held else ", though all that it received is finite"
    stats = output.stats
    what = "NaN" if stats is not None and stats.nan else "infinity"
    return Finding(
        question="finite",
        verdict="fail",
        evidence=f"{step.label} of {step.path or 'the model'} is the first to return {what}{place}{because}",
        fix="go back to an earlier checkpoint" if held else "run it in float32, or look at the step's input",
        path=step.path,
        label=step.label,
    )


def units(context: CheckContext) -> Finding:
    """Are there dead or constant units, a saturated softmax, a saturated tanh?"""
    if (wrong := next(_without_effect(context), None)) is not None:
        return wrong
    trace = context.trace
    real = np.array(trace.input.attention_mask, dtype=bool)
    told: list[tuple[Step, str]] = []
    for step in trace.steps:
        output = next((out for out in step.outputs if out.values is not None), None)
        if output is not None and (said := _odd(step, output, real)):
            told.append((step, said))
    if told:
        step, said = told[0]
        more = f" (and {len(told) - 1} more such steps)" if len(told) > 1 else ""
        return Finding(
            question="units",
            verdict="warn",
            evidence=f"{said} in {step.label} of {step.path}{more}",
            fix="look at it on more sentences, with `stats=True`, and at its attention",
            path=step.path,
            label=step.label,
        )
    return Finding(question="units", verdict="pass", evidence="no dead or constant units, no saturated softmax or tanh")


NEXT_TO_ZERO = 1e-12
"""Weights below are as good as zero: nothing trained is so small, and the products vanish beside any bias."""
_LARGE_EPS = 1e-3
"""What a norm adds to the variance is 1e-12 in BERT and at most 1e-5 in its kin; the variances are about 1."""


def _without_effect(context: CheckContext) -> Iterator[Finding]:
    """Yield the modules that cannot do what they are there for, whatever they receive."""
    segments = context.loaded.path(roles.TOKEN_TYPE_EMBEDDINGS)  # of these there is a question of its own
    for path, module in context.model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear | nn.LayerNorm | nn.Embedding) and weight is not None and path != segments:
            most = float(weight.detach().abs().max())
            if most < NEXT_TO_ZERO:
                what = "are zero" if most == 0 else f"are next to zero (at most {most:.0e})"
                looks_up = isinstance(module, nn.Embedding)
                so = "every id gets the same" if looks_up else "whatever it receives, it returns the same"
                yield _idle(path, f"all weights of {path} {what}: {so}", "was it initialized, or loaded, at all?")
        if isinstance(module, nn.LayerNorm) and module.eps > _LARGE_EPS:
            key = context.loaded.family.norm_eps
            yield _idle(
                path,
                f"{path} adds {module.eps:g} to the variance, and so damps what it should bring to one size",
                f"set {f'{key} in config.json' if key else 'its eps'} to what the model was trained with (BERT: 1e-12)",
            )


def _idle(path: str, evidence: str, fix: str) -> Finding:
    return Finding(question="units", verdict="fail", evidence=evidence, fix=fix, path=path)


def _odd(step: Step, output: TensorOut, real: NDArray[np.bool_]) -> str | None:
    """Return what is odd about a step's output on the real tokens (``real`` is (batch, tokens))."""
    if step.label == labels.LAYER_NORM and real.sum() > 1 and output.shape[:2] == list(real.shape):
        constant = int((np.ptp(array(output)[real], axis=0) == 0).sum())
        return f"{constant} of {output.shape[-1]} units are the same at every token" if constant else None
    if labels.is_activation(step.label) and step.kind == "module" and output.shape[:2] == list(real.shape):
        silent = float((np.abs(array(output)[real]).max(axis=0) == 0).mean())
        return f"{silent:.0%} of the units are silent at every token" if silent > _SILENT else None
    if step.label == labels.ATTENTION_PROBABILITIES and real.shape[1] > 2:
        heads = _saturated(array(output), real)
        return f"head {heads[0]} of {output.shape[1]} puts all on one token, almost everywhere" if heads else None
    if step.label == labels.TANH_ACTIVATION:
        share = float((np.abs(array(output)) > _SATURATED).mean())
        return f"{share:.0%} of the {_WHOSE.get(step.part, 'model')}'s tanh are saturated" if share > _SILENT else None
    return None


_WHOSE = {roles.POOLER: "pooler", roles.HEAD: "classifier"}


def _saturated(probabilities: Array, real: NDArray[np.bool_]) -> list[int]:
    largest = probabilities.max(axis=-1).transpose(0, 2, 1)[real]  # (real tokens, heads)
    share = (largest > _SATURATED).mean(axis=0)
    return [int(head) for head in np.flatnonzero(share > _MOST)]
