"""Questions that two runs of the same model answer, held against each other step by step."""

import torch
from msgspec import structs

from ...capture.undisturbed import attending
from ...diff import Diff, diff
from ...families.heads import MULTIPLE_CHOICE
from ...traces.record import Trace
from ...traces.sentences import real_places
from ...traces.values import Number
from ...traces.vocabulary import labels, roles
from .answered import answers_of, main_name
from .check_context import CheckContext
from .diagnosis import Finding, Question, does_not_arise


def padding(context: CheckContext) -> Finding:
    """Does a sentence get the same numbers alone as beside a longer one, on its real tokens?"""
    short, long = context.short_and_long
    alone = context.run(context.encoded([short]))
    padded = context.run(context.encoded([short, long]))
    on_the_left = real_places(padded.input, 0)[:1] != [0]
    finding = _same("padding", diff(alone, padded), fix=_ON_THE_LEFT if on_the_left else _THROUGH_THE_MASK)
    predicted = [_labels(trace)[:1] for trace in (alone, padded)]
    if finding.verdict == "pass" or predicted[0] == predicted[1] or not all(predicted):
        return finding
    flipped = f"; the class changes from {predicted[0][0]} alone to {predicted[1][0]} beside a longer sentence"
    return structs.replace(finding, evidence=finding.evidence + flipped)


_THROUGH_THE_MASK = "padding reaches real tokens: see what the step does with the mask (bert-inspect source)"
_ON_THE_LEFT = (
    "the tokenizer pads on the left, so a sentence's tokens have other positions in a batch than alone, and the first "
    "place, which the pooler takes, may hold padding: set padding_side to right in tokenizer_config.json"
)


def batch_order(context: CheckContext) -> Finding:
    """Does a sentence get the same numbers wherever in the batch it stands?"""
    if context.loaded.head is MULTIPLE_CHOICE:
        return does_not_arise("batch-order", "the rows of a batch are the choices of one text, which are compared")
    texts = list(dict.fromkeys([*context.sentences.texts[:3], *context.short_and_long]))[:4]
    forward, backward = (context.run(context.encoded(order)) for order in (texts, texts[::-1]))
    return _same(
        "batch-order",
        diff(forward, backward),
        fix="sentences of a batch reach each other: see what the step computes over the batch",
    )


def determinism(context: CheckContext) -> Finding:
    """Do two runs in eval mode give the same bits? How far does dropout move them in training mode?"""
    one, other = context.logits(context.batch), context.logits(context.batch)
    trained = context.logits(context.batch, training=True)
    what = main_name(context.loaded.head)
    if not torch.equal(one, other) and not (one.isnan() & other.isnan()).any():
        first = diff(context.run(context.batch), context.run(context.batch)).first
        where = "" if first is None else f", first in {first.label} of {first.path or 'the model'}"
        return Finding(
            question="determinism",
            verdict="fail",
            evidence=f"the {what} of two runs in eval mode differ by up to {_apart(one, other):.2g}{where}",
            fix="look for numbers drawn, or kept from run to run, in that module's forward",
            path=None if first is None else first.path,
            label=None if first is None else first.label,
        )
    moved = _apart(one, trained)
    dropout = f"dropout changes the {what} by up to {moved:.2g}" if moved else "nothing changes: no dropout is set"
    return Finding(
        question="determinism",
        verdict="pass",
        evidence=f"two runs in eval mode are bitwise identical; in training mode {dropout}",
    )


def segments(context: CheckContext) -> Finding:
    """Does it matter to which segment a token belongs?"""
    embedding, family = context.loaded.module(roles.TOKEN_TYPE_EMBEDDINGS), context.loaded.family
    if "token_type_ids" not in family.inputs:
        return does_not_arise("segments", f"{family.name} is given no segments")
    if embedding is None:
        return does_not_arise("segments", "this model has no token type embeddings")
    if embedding.num_embeddings < 2:
        return Finding(
            question="segments",
            verdict="warn",
            evidence="there is one segment only (type_vocab_size 1)",
            fix="do not give pairs to this model",
        )
    batch = context.batch
    if batch.pairs is None:
        what = "all tokens in segment 1 in place of 0"
        changed = [[1] * len(row) for row in batch.token_type_ids]
    else:
        what = "both sentences of a pair in segment 0"
        changed = [[0] * len(row) for row in batch.token_type_ids]
    moved = _apart(context.logits(batch), context.logits(structs.replace(batch, token_type_ids=changed)))
    if moved == 0:
        return Finding(
            question="segments",
            verdict="warn",
            evidence=f"{what} change nothing: the segments' embeddings are equal",
            fix="this model does not tell the sentences of a pair apart by their segments",
            path=context.loaded.path(roles.TOKEN_TYPE_EMBEDDINGS),
            label=labels.TOKEN_TYPE_EMBEDDINGS,
        )
    return Finding(
        question="segments",
        verdict="pass",
        evidence=f"{what} change the {main_name(context.loaded.head)} by up to {moved:.2g}",
    )


def attention(context: CheckContext) -> Finding:
    """Do eager and fused attention compute the same?"""
    if "sdpa" not in context.loaded.family.attentions:
        return does_not_arise("attention", f"transformers has eager attention alone for {context.loaded.family.name}")
    with attending(context.model, "eager"):
        eager = context.run(context.batch)
    with attending(context.model, "sdpa"):
        fused = context.run(context.batch)
    return _same(
        "attention",
        diff(eager, fused),
        fix="name the implementation that the model was trained with: attn_implementation='eager'",
    )


def precision(context: CheckContext) -> Finding:
    """Does bfloat16 stay as near to float32 as rounding explains, layer by layer, and predict the same?"""
    full = context.run(context.batch, loaded=context.in_precision(torch.float32))
    half = context.run(context.batch, loaded=context.in_precision(torch.bfloat16))
    found = diff(full, half)
    layers = [step for step in found.steps if step.label == labels.layer(step.layer or 0) and step.max_rel is not None]
    by_layer = "".join(f" {float(step.max_rel or 0):.1%}" for step in layers)
    by_layer = f"; layers 0 to {len(layers) - 1} differ by{by_layer} of their largest entry" if layers else ""
    finding = _same("precision", found, fix="run it in float32; bfloat16 loses more than its rounding here")
    flipped = [
        row + 1 for row, (one, other) in enumerate(zip(answers_of(full), answers_of(half), strict=True)) if one != other
    ]
    if finding.verdict == "pass" and flipped:
        return structs.replace(
            finding,
            verdict="warn",
            evidence=f"bfloat16 gives another answer to sentence {', '.join(map(str, flipped))}{by_layer}",
            fix="its logits are within rounding of each other: run it in float32 where that matters",
        )
    return structs.replace(finding, evidence=f"{finding.evidence}{by_layer}")


def _labels(trace: Trace) -> list[str]:
    return [] if trace.output is None else [prediction.label for prediction in trace.output.predictions]


def _same(question: Question, found: Diff, *, fix: str) -> Finding:
    first = found.first
    times: Number | None = None if first is None else first.times
    return Finding(
        question=question,
        verdict="pass" if found.same else "fail",
        evidence=found.verdict,
        fix=None if found.same else fix,
        path=None if first is None else first.path,
        label=None if first is None else first.label,
        times=times,
    )


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())
