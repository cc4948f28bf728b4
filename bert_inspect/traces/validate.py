"""What a trace must be, beyond the types of its parts, for the rest of the program to rely on it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import TraceFileError
from ..families.heads import MULTIPLE_CHOICE

if TYPE_CHECKING:
    from .output import Output
    from .record import Input, Step, TensorIn, TensorOut, Trace

MOST_NESTED = 100
"""How deep calls may lie in each other. A BERT's are seven deep; whoever follows them must not run out of stack."""
_TOO_MANY = 2**63


class _Unsound(Exception):
    """What is wrong, in words that go on after "is damaged:"."""


def check(trace: "Trace", name: str, *, hint: str) -> None:
    """Hold a decoded trace against what the rest of the program relies on, so that no later step can stumble.

    Raises:
        TraceFileError: it does not hold; ``name`` and ``hint`` go into the message.
    """
    try:
        depths: list[int] = []
        for number, step in enumerate(trace.steps):
            _check_place(step, number, depths)
            _check_tensors(step)
        choices = trace.model.task == MULTIPLE_CHOICE.task
        _check_input(trace.input, choices=choices)
        if trace.output is not None:
            _check_output(trace.output, trace.input, choices=choices)
        _check_pointers(trace)
    except _Unsound as error:
        raise TraceFileError(f"{name} is damaged: {error}", hint) from error


def _check_output(output: "Output", batch: "Input", *, choices: bool) -> None:
    """Check that a model's answers are of the sentences that it was given; a choice is one answer to all of them."""
    sentences, tokens = len(batch.texts), len(batch.tokens[0]) if batch.tokens else 0
    shares = output.probabilities
    of_sentences = (output.logits, output.predictions, shares or ())
    if any(column and len(column) != (1 if choices else sentences) for column in of_sentences):
        raise _Unsound("its output does not have a row for each sentence")
    if shares is not None and list(map(len, shares)) != list(map(len, output.logits)):
        raise _Unsound("its output does not have a probability for each logit")
    if choices and any(len(row) != sentences for row in output.logits):
        raise _Unsound("its output does not have a logit for each choice")
    for column in (output.tokens, output.start_logits, output.end_logits):
        if column and list(map(len, column)) != [tokens] * sentences:
            raise _Unsound("its output does not have an entry for each token")
    if any(column and len(column) != sentences for column in (output.entities, output.answers)):
        raise _Unsound("its output does not have an entry for each sentence")
    if any(not (0 <= mask.sentence < sentences and 0 <= mask.position < tokens) for mask in output.masks):
        raise _Unsound("its output has a mask that is not in the input")
    if output.pooled is not None and list(map(len, output.pooled.cosine)) != [sentences] * sentences:
        raise _Unsound("its output does not have a cosine for every two sentences")


def _check_place(step: "Step", number: int, depths: list[int]) -> None:
    """Check a step's id and parent. ``depths`` says how deep each step before it is nested, and learns of this one."""
    if step.id != number:
        raise _Unsound(f"step {number} bears the id {step.id}")
    if (step.parent is None) != (number == 0) or (step.parent is not None and not 0 <= step.parent < number):
        raise _Unsound(f"the parent of step {number} does not come before it")
    depths.append(0 if step.parent is None else depths[step.parent] + 1)
    if depths[-1] >= MOST_NESTED:
        raise _Unsound(f"step {number} lies in {MOST_NESTED} calls or more")
    counts = (step.call, step.parameters, step.flops, step.total_parameters, step.total_flops)
    if not all(0 <= count < _TOO_MANY for count in counts):
        raise _Unsound(f"step {number} has a count that cannot be")


def _check_tensors(step: "Step") -> None:
    for tensor in step.inputs:
        if tensor.from_ is not None and not 0 <= tensor.from_ < step.id:
            raise _Unsound(f"an input of step {step.id} comes from a step that is not before it")
    tensors: list[TensorIn | TensorOut] = [*step.inputs, *step.outputs]
    for seen in tensors:
        if not all(0 <= size < _TOO_MANY for size in seen.shape) or (
            seen.axes is not None and len(seen.axes) != len(seen.shape)
        ):
            raise _Unsound(f"a tensor of step {step.id} has a shape that cannot be")
    for tensor_out in step.outputs:
        if tensor_out.values is not None and tensor_out.values.shape != tuple(tensor_out.shape):
            raise _Unsound(f"the values of step {step.id} do not have its shape")


def _check_pointers(trace: "Trace") -> None:
    failure = trace.failure
    pointed = [] if failure is None else [failure.step, failure.last_good]
    pointed += [trace.proof.fault.step] if trace.proof is not None and trace.proof.fault is not None else []
    if any(step is not None and not 0 <= step < len(trace.steps) for step in pointed):
        raise _Unsound("it points at a step that is not there")


def _check_input(batch: "Input", *, choices: bool) -> None:
    sentences = len(batch.texts)
    columns = (batch.tokens, batch.truncated, batch.pairs, batch.decoded or None, batch.lines or None)
    if batch.labels is not None and len(batch.labels) != (1 if choices else sentences):
        raise _Unsound("its input does not have a label for each sentence")
    if any(column is not None and len(column) != sentences for column in columns):
        raise _Unsound("its input has columns of different length")
    lengths = [len(row) for row in batch.tokens]
    tables: list[Sequence[Sequence[object]]]
    tables = [batch.offsets, batch.input_ids, batch.token_type_ids, batch.attention_mask]
    tables += [table for table in (batch.words, batch.special, batch.text_ids) if table]
    if any([len(row) for row in table] != lengths for table in tables):
        raise _Unsound("the rows of its input differ in length")
