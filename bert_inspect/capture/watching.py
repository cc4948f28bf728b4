"""Runs a model while somebody looks at its tensors, of which no trace is made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from ..errors import BertInspectError
from ..loading.loaded import Loaded
from .tracing.ends import Ends, Watcher
from .tracing.hooks import exclusively
from .tracing.tracer import Tracer, attached
from .undisturbed import undisturbed, without_gradients

RunWatched = Callable[[Mapping[str, Tensor], Watcher], Any]
"""Runs the model once on its inputs and returns what it returned.

Raises:
    BertInspectError: its forward fails.
"""


@contextmanager
def watched(loaded: Loaded) -> Iterator[RunWatched]:
    """Have a model run over batches in the block, each before a watcher of its own; the model is as it was afterwards,
    and nobody else traces it meanwhile. What is there to be done on its modules is done once.

    Raises:
        UsageError: the model is being traced by this very thread.
    """
    model = loaded.model
    with exclusively(model), undisturbed(model), without_gradients(model):
        modules = dict(model.named_modules())
        ends = Ends(modules)
        tracer = Tracer(modules, loaded.family, specs=(), replay=None, tape=ends)

        with attached(tracer, modules) as run:

            def run_watched(inputs: Mapping[str, Tensor], watcher: Watcher) -> Any:
                ends.watcher = watcher
                tracer.begin()
                outcome = run(lambda: model(**inputs))
                if tracer.error is not None:
                    raise tracer.error
                if outcome.error is not None:
                    raise BertInspectError(
                        f"the model's own forward failed: {type(outcome.error).__name__}: {outcome.error}",
                        "bert-inspect run shows where",
                    ) from outcome.error
                return outcome.output

            yield run_watched
