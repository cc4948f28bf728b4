"""Runs a model while somebody looks at its tensors, of which no trace is made."""

from typing import Any

from ..errors import BertInspectError
from ..loading.loaded import Loaded
from ..traces.record import Input
from .model_inputs import model_inputs
from .tracing.ends import Watcher
from .tracing.hooks import exclusively
from .tracing.tracer import observe
from .undisturbed import undisturbed, without_gradients


def run_watched(loaded: Loaded, batch: Input, watcher: Watcher) -> Any:
    """Run a model once over a batch and return what it returned.

    Raises:
        BertInspectError: its forward fails.
    """
    model = loaded.model
    inputs = model_inputs(loaded, batch, labels=False)
    with exclusively(model), undisturbed(model), without_gradients(model):
        modules = dict(model.named_modules())
        tracer, outcome = observe(lambda: model(**inputs), modules, loaded.family, specs=(), watcher=watcher)
    if tracer.error is not None:
        raise tracer.error
    if outcome.error is not None:
        raise BertInspectError(
            f"the model's own forward failed: {type(outcome.error).__name__}: {outcome.error}",
            "bert-inspect run shows where",
        ) from outcome.error
    return outcome.output
