"""The explanation of a model's answers to a batch of sentences."""

from typing import Final

from msgspec import structs

from ...capture.describe import described, environment
from ...capture.model_inputs import as_given
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input
from .by_component import by_component
from .by_layer import by_layer
from .by_token import by_token
from .explanation import FORMAT, VERSION, By, Explanation
from .faithfulness import faithfulness, words_to_mask
from .frozen_run import run_frozen
from .quantity import Wanted
from .target import check_wanted

_ANSWER: Final = Wanted()


def explain(
    loaded: Loaded,
    batch: Input,
    *,
    by: By = "token",
    wanted: Wanted = _ANSWER,
    neurons: int = 0,
    check: bool = False,
) -> Explanation:
    """Explain the number that is asked for of each sentence, by default that of the model's answer.

    Args:
        loaded: the model; afterwards it is as it was.
        batch: the sentences.
        by: what the number is a sum over: ``token``, ``component``; or ``layer``: how it grows.
        wanted: which number.
        neurons: by component, how many of each layer's intermediate neurons are told of.
        check: by token, hold the shares against what masking words does.

    Raises:
        UsageError: the model gives no such number, or has no weights.
        BertInspectError: the model computes something that cannot be frozen.
    """
    check_wanted(loaded, wanted)
    if loaded.weights == "none":
        raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
    batch = as_given(loaded, batch)  # for all that follows
    if by == "layer":
        answers, frozen = by_layer(loaded, batch, wanted), []
    else:
        run = run_frozen(loaded, batch, wanted, direct=by == "component", hidden_states=by == "token")
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
        model=described(loaded),
        input=structs.replace(batch, labels=None),
        by=by,
        frozen=sorted(frozen),
        answers=answers,
    )
