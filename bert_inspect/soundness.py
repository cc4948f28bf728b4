"""What a trace must be, beyond the types of its parts, for the rest of the program to rely on it."""

from typing import TYPE_CHECKING

from .errors import TraceFileError

if TYPE_CHECKING:
    from .record import TensorIn, TensorOut, Trace


def check(trace: "Trace", name: str, *, hint: str) -> None:
    """Hold a decoded trace against what the rest of the program relies on, so that no later step can stumble.

    Raises:
        TraceFileError: it does not hold; ``name`` and ``hint`` go into the message.
    """

    def damaged(what: str) -> TraceFileError:
        return TraceFileError(f"{name} is damaged: {what}", hint)

    for number, step in enumerate(trace.steps):
        if step.id != number:
            raise damaged(f"step {number} bears the id {step.id}")
        if (step.parent is None) != (number == 0) or (step.parent is not None and not 0 <= step.parent < number):
            raise damaged(f"the parent of step {number} does not come before it")
        for tensor in step.inputs:
            if tensor.from_ is not None and not 0 <= tensor.from_ < number:
                raise damaged(f"an input of step {number} comes from a step that is not before it")
        tensors: list[TensorIn | TensorOut] = [*step.inputs, *step.outputs]
        for seen in tensors:
            if min(seen.shape, default=0) < 0 or (seen.axes is not None and len(seen.axes) != len(seen.shape)):
                raise damaged(f"a tensor of step {number} has a shape that cannot be")
        for tensor_out in step.outputs:
            if tensor_out.values is not None and tensor_out.values.shape != tuple(tensor_out.shape):
                raise damaged(f"the values of step {number} do not have its shape")
    batch = trace.input
    lengths = [len(row) for row in batch.tokens]
    for table in (batch.offsets, batch.input_ids, batch.token_type_ids, batch.attention_mask):
        if [len(row) for row in table] != lengths:
            raise damaged("the rows of its input differ in length")
    for optional in (batch.words, batch.special):
        if optional and [len(row) for row in optional] != lengths:
            raise damaged("the rows of its input differ in length")
    sentences = len(batch.texts)
    per_sentence = (batch.tokens, batch.truncated, batch.pairs, batch.labels)
    if any(column is not None and len(column) != sentences for column in per_sentence):
        raise damaged("its input has columns of different length")
    failure = trace.failure
    pointed = [] if failure is None else [failure.step, failure.last_good]
    pointed += [trace.proof.fault.step] if trace.proof is not None and trace.proof.fault is not None else []
    if any(step is not None and not 0 <= step < len(trace.steps) for step in pointed):
        raise damaged("it points at a step that is not there")
    if trace.output is not None:
        rows = (trace.output.logits, trace.output.predictions, trace.output.probabilities)
        if any(column is not None and len(column) != sentences for column in rows):
            raise damaged("its output does not have a row for each sentence")
