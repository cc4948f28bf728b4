"""Runs a model with edits, of which no trace is made: what it returns is all that is wanted."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ...errors import BertInspectError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ..model_inputs import model_inputs
from ..tracing.editing import EditedStep, Editing, Place
from ..tracing.hooks import exclusively
from ..tracing.tracer import observe
from ..undisturbed import undisturbed, without_gradients


def run_edited(
    loaded: Loaded, batch: Input, steps: Mapping[Place, EditedStep], *, inputs: Mapping[str, Tensor] | None = None
) -> Any:
    """Run a model once over a batch and return what it returns; ``inputs`` are what it is called with, where that is
    not the batch as it stands. The steps may be those that were found in a run over another batch (`survey`,
    `targets`), as long as the same steps run.

    Raises:
        BertInspectError: its forward fails, or a step that is to be edited does not run.
    """
    model = loaded.model
    given = model_inputs(loaded, batch) if inputs is None else inputs
    with exclusively(model), undisturbed(model), without_gradients(model):
        try:
            return with_edits(loaded, lambda: model(**given), steps)
        except BertInspectError:
            raise
        except Exception as error:  # whatever a model's code raises
            raise BertInspectError(
                f"the model's own forward failed: {type(error).__name__}: {error}", "trace it: that shows where"
            ) from error


def with_edits(
    loaded: Loaded,
    forward: Callable[[], Any],
    steps: Mapping[Place, EditedStep],
    *,
    told: Callable[[Tensor, Tensor], None] | None = None,
) -> Any:
    """Run a forward of a model, which the caller has for itself, and return what it returns; ``told`` is told of each
    edited tensor, before and after.

    Raises:
        Exception: what the forward raises.
        BertInspectError: a step that is to be edited does not run.
    """
    if not steps:
        return forward()
    modules = dict(loaded.model.named_modules())
    editing = Editing(modules, steps, told=told)
    tracer, outcome = observe(forward, modules, loaded.family, specs=(), editing=editing)
    error = tracer.error or outcome.error
    if error is not None:
        raise error
    editing.check_done()
    return outcome.output
