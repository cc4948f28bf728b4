"""A run of the model as it is, without numbers: which steps there are, what each is, and where it ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import BertInspectError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.vocabulary import roles
from ..model_inputs import model_inputs
from ..naming.assemble import Named, named
from ..naming.of_run import naming_of
from ..tracing.editing import Call, Editing, Place
from ..tracing.hooks import exclusively
from ..tracing.step_record import StepRecord
from ..tracing.tracer import observe
from ..undisturbed import no_collector, undisturbed, without_gradients


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is known of a run.

    Attributes:
        found: its steps, named.
        places: where each step ran, by its id.
        returned: what each call of a layer returned, with the refs of tensors in their place.
    """

    found: Named
    places: list[Place]
    returned: Mapping[Call, Any]

    @property
    def steps(self) -> Sequence[StepRecord]:
        """The steps, in order."""
        return self.found.recording.steps

    def label(self, step: StepRecord) -> str:
        """Return what a step is."""
        return self.found.names.labels[step.id]


def survey(loaded: Loaded, batch: Input) -> Survey:
    """Run a model over a batch, as it is, and return where each step ran.

    Raises:
        BertInspectError: its forward fails.
    """
    model, family = loaded.model, loaded.family
    modules = dict(model.named_modules())
    layers = [module for path, module in modules.items() if family.role(path) == roles.LAYER]
    editing = Editing(modules, {}, watched=layers)
    inputs = model_inputs(loaded, batch)
    with exclusively(model), undisturbed(model), without_gradients(model):
        tracer, outcome = observe(lambda: model(**inputs), modules, family, specs=(), editing=editing)
    if outcome.error is not None:
        raise BertInspectError(
            f"the model's own forward failed: {type(outcome.error).__name__}: {outcome.error}",
            "bert-inspect run without edits shows where",
        ) from outcome.error
    if tracer.error is not None:
        raise tracer.error
    with no_collector():
        recording = tracer.finish(raised=False)
        found = named(recording, model, modules, naming_of(loaded, batch, recording))
    return Survey(found=found, places=places_of(recording.steps), returned=editing.seen)


def places_of(steps: Sequence[StepRecord]) -> list[Place]:
    """Return where each step ran, as `Editing` counts while the model runs."""
    found: list[Place] = []
    calls: dict[tuple[int | None, str], int] = {}
    ops: dict[tuple[int | None, str], int] = {}
    for step in steps:
        around: Call = () if step.parent is None else found[step.parent][0]
        if step.kind == "module":
            number = calls.get((step.parent, step.path), 0)
            calls[step.parent, step.path] = number + 1
            found.append(((*around, (step.path, number)), None))
        elif step.mask:
            found.append((around, (step.type, -1)))  # several ops, none of which is counted
        else:
            number = ops.get((step.parent, step.type), 0)
            ops[step.parent, step.type] = number + 1
            found.append((around, (step.type, number)))
    return found
