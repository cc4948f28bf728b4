"""Runs a model with edits, of which no trace is made: what it returns is all that is wanted."""

from collections.abc import Mapping
from typing import Any

from ...errors import BertInspectError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ..model_inputs import model_inputs
from ..tracing.editing import EditedStep, Editing, Place
from ..tracing.hooks import exclusively
from ..tracing.tracer import observe
from ..undisturbed import undisturbed, without_gradients


def run_edited(loaded: Loaded, batch: Input, steps: Mapping[Place, EditedStep]) -> Any:
    """Run a model once over a batch and return what it returns. The steps may be those that were found in a run over
    another batch (`survey`, `targets`).

    Raises:
        BertInspectError: its forward fails, or a step that is to be edited does not run.
    """
    model = loaded.model
    modules = dict(model.named_modules())
    editing = Editing(modules, steps)
    inputs = model_inputs(loaded, batch)
    with exclusively(model), undisturbed(model), without_gradients(model):
        tracer, outcome = observe(lambda: model(**inputs), modules, loaded.family, specs=(), editing=editing)
    if tracer.error is not None:
        raise tracer.error
    if outcome.error is not None:
        error = outcome.error
        raise BertInspectError(
            f"the model's own forward failed: {type(error).__name__}: {error}", "trace it: that shows where"
        ) from error
    editing.check_done()
    return outcome.output
