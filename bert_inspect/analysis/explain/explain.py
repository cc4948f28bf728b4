"""The explanation of a model's answers to a batch of sentences."""

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from ...capture.describe import described, environment
from ...capture.editing.plan import plan_edits, with_edited_tokens
from ...capture.model_inputs import as_given
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from .by_component import by_component
from .by_layer import by_layer
from .by_token import by_token
from .explanation import FORMAT, VERSION, By, Explanation
from .faithfulness import faithfulness, words_to_mask
from .frozen_run import run_frozen
from .target import check_wanted
from .wanted import Wanted

_ANSWER: Final = Wanted()


def explain(
    loaded: Loaded,
    batch: Input,
    *,
    by: By = "token",
    wanted: Wanted = _ANSWER,
    neurons: int = 0,
    check: bool = False,
    edits: Sequence[Edit] = (),
) -> Explanation:
    """Explain the number that is asked for of each sentence, by default that of the model's answer.

    Args:
        loaded: the model; afterwards it is as it was.
        batch: the sentences.
        by: what the number is a sum over: ``token``, ``component``; or ``layer``: how it grows.
        wanted: which number.
        neurons: by component, how many of each layer's intermediate neurons are told of.
        check: by token, hold the shares against what masking words does.
        edits: what is edited in the run that is explained.

    Raises:
        UsageError: the model gives no such number, or has no weights; or an edit is not there, or cannot be explained.
        BertInspectError: the model computes something that cannot be frozen.
    """
    check_wanted(loaded, wanted)
    if loaded.weights == "none":
        raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
    of_model = [edit for edit in edits if edit.kind != "token"]
    _check_edits(of_model, by=by, check=check)
    batch = with_edited_tokens(loaded, as_given(loaded, batch), edits)  # for all that follows
    plan = plan_edits(loaded, batch, edits)
    if by == "layer":
        answers, frozen = by_layer(loaded, batch, wanted), []
    else:
        run = run_frozen(loaded, batch, wanted, direct=by == "component", hidden_states=by == "token", steps=plan.steps)
        answers = by_token(run, batch) if by == "token" else by_component(run, neurons=neurons)
        if check and by == "token":
            if not any(words_to_mask(batch, quantity.row) for quantity in run.quantities):
                raise UsageError("there are no words that could be masked", "leave `check` out")
            answers = [
                structs.replace(answer, faithfulness=faithfulness(loaded, batch, quantity, answer))
                for quantity, answer in zip(run.quantities, answers, strict=True)
            ]
        frozen = run.frozen
    return Explanation(
        format=FORMAT,
        version=VERSION,
        environment=environment(),
        model=described(loaded, edits),
        input=structs.replace(batch, labels=None),
        by=by,
        frozen=sorted(frozen),
        answers=answers,
    )


def _check_edits(edits: Sequence[Edit], *, by: By, check: bool) -> None:
    """Refuse what cannot be explained of an edited model: what brings other numbers in is no part of the sum.

    Raises:
        UsageError: names the edit.
    """
    for edit in edits:
        if edit.how in ("mean", "resample") or (edit.kind == "layer" and edit.how == "scale"):
            raise UsageError(
                f"with {edit} the answer is not a sum over this sentence alone",
                f"explain it with {edit.spec}, which takes it away",
            )
        if by == "layer":
            raise UsageError(
                f"what the head would answer from each hidden state is not told with {edit.spec} taken away",
                'explain it `by="token"` or `by="component"`',
            )
        if check:
            raise UsageError("masking words runs the model without edits", "leave `check` out, or edit tokens only")
