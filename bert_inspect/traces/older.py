"""What traces of earlier releases do not say, filled in, so that readers need not ask how old a trace is."""

from msgspec import structs

from ..families import Family, family_of
from ..families.heads import SEQUENCE_CLASSIFICATION
from .record import Model, Sizes, Step, Trace
from .vocabulary import roles


def completed(trace: Trace) -> Trace:
    """Return a trace with the family, the task, the sizes and the roles that it was made without."""
    if trace.model.family:
        return trace
    family = family_of(str(trace.model.config.get("model_type", "")))
    return structs.replace(
        trace, model=_model(trace.model, family), steps=[_step(step, family) for step in trace.steps]
    )


def _model(model: Model, family: Family) -> Model:
    return structs.replace(
        model,
        family=family.model_type,
        task=SEQUENCE_CLASSIFICATION.task,  # there was no other
        sizes=Sizes(**family.sizes_of(model.config)),
    )


def _step(step: Step, family: Family) -> Step:
    part = roles.HEAD if step.kind == "op" and not step.path else family.part(step.path)
    return structs.replace(step, role=family.role(step.path), part=part)
