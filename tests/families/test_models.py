"""Every family with every head, held against plain transformers."""

from typing import Any

import pytest
import torch
from families.tiny import VARIANTS, arguments, as_loaded, batch, tiny
from helpers import values_of
from torch.utils.flop_counter import FlopCounterMode

from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import Head
from bert_inspect.traces.record import Trace
from bert_inspect.traces.vocabulary import labels, roles

ALL = [(family, head) for family in FAMILIES.values() for head in family.heads]
NAMES = [f"{family.model_type}-{head.task}" for family, head in ALL]
ATTENDING = [(family, head, attention) for family, head in ALL for attention in family.attentions]
ATTENDING_NAMES = [f"{family.model_type}-{head.task}-{attention}" for family, head, attention in ATTENDING]


def traced(family: Family, head: Head, *, attention: str = "eager", verify: bool = False, **changes: Any) -> Trace:
    loaded = as_loaded(tiny(family, head, attention=attention, **changes))
    return run_forward(loaded, batch(family), keep=Keep(values="full"), verify=verify)[0]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), ALL, ids=NAMES)
def test_what_it_returns_is_what_plain_transformers_returns(family: Family, head: Head) -> None:
    model, given = tiny(family, head), batch(family)
    with torch.inference_mode():
        plain = model(
            **arguments(family, head, given), output_hidden_states=True, output_attentions=True, return_dict=True
        )
    trace = run_forward(as_loaded(model), given, keep=Keep(values="full"))[0]
    wanted = {name: getattr(plain, name) for name in head.returns if getattr(plain, name, None) is not None}
    wanted |= {f"hidden_states[{place}]": tensor for place, tensor in enumerate(plain.hidden_states)}
    wanted |= {f"attentions[{place}]": tensor for place, tensor in enumerate(plain.attentions)}
    for name, tensor in wanted.items():
        found = [
            values_of(step, place)
            for step in trace.steps
            if name in step.known_as
            for place, output in enumerate(step.outputs)
            if tuple(output.shape) == tuple(tensor.shape)
        ]
        assert found and any(torch.equal(each, tensor) for each in found), name
    known = {name for step in trace.steps for name in step.known_as}
    assert not any(name.startswith(("hidden_states", "attentions")) for name in known - wanted.keys())


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head", "attention"), ATTENDING, ids=ATTENDING_NAMES)
def test_every_step_is_proved_and_bears_a_label(family: Family, head: Head, attention: str) -> None:
    hold(traced(family, head, attention=attention, verify=True))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS, ids=[f"{name}-{head.task}" for name, head, _ in VARIANTS])
def test_what_runs_otherwise_is_proved_and_bears_labels_too(variant: tuple[str, Head, dict[str, Any]]) -> None:
    name, head, changes = variant
    for attention in FAMILIES[name].attentions:
        hold(traced(FAMILIES[name], head, attention=attention, verify=True, **changes))


def hold(trace: Trace) -> None:
    """The trace is proved, every step bears a label of the vocabulary, and every tensor has axes."""
    assert trace.proof is not None and trace.proof.passed, trace.proof
    for step in trace.steps:
        free = step.role in (roles.MODEL, roles.BODY) or step.label == labels.layer(step.layer or 0)
        free |= labels.is_activation(step.label) or step.role == roles.ACTIVATION  # its inside is named as torch does
        assert free or step.label in labels.LABELS, (step.path, step.type, step.label)
        assert all(output.axes is not None for output in step.outputs), (step.path, step.label)


@pytest.mark.parametrize(("family", "head"), ALL, ids=NAMES)
def test_every_module_has_a_role_and_belongs_to_a_part(family: Family, head: Head) -> None:
    model, known = tiny(family, head), family.with_head(head)
    modules = dict(model.named_modules())
    unnamed = [path for path in modules if not known.role(path)]
    assert all(type(modules[path]) is torch.nn.ModuleList for path in unnamed), unnamed  # which nobody calls
    around = {roles.MODEL, roles.BODY, roles.ENCODER, roles.LAYER, roles.LAYER_GROUP, roles.RELATIVE_POSITION_BIAS, ""}
    around |= {roles.RELATIVE_EMBEDDINGS, roles.RELATIVE_EMBEDDINGS_NORM, roles.CONVOLUTION_LAYER}
    around |= {roles.FINAL_NORM, roles.ROTARY_EMBEDDING}
    for path in modules:
        # A module of no part is one that holds several, or what all layers share.
        inside = ".conv." in f".{path}."
        assert inside or bool(known.part(path)) != (known.role(path) in around), (path, known.part(path))


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), ALL, ids=NAMES)
def test_parameters_and_operations_are_those_that_torch_counts(family: Family, head: Head) -> None:
    model, given = tiny(family, head), batch(family)
    trace = run_forward(as_loaded(model), given)[0]
    assert trace.model.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert trace.steps[0].total_parameters == trace.model.parameters
    counter = FlopCounterMode(display=False)
    model.requires_grad_(False)  # torch's counter cannot follow a parameter into a module that is given it
    with torch.inference_mode(), counter:
        model(**arguments(family, head, given))
    assert trace.steps[0].total_flops == sum(step.flops for step in trace.steps) == counter.get_total_flops()


@pytest.mark.slow
def test_every_word_of_the_vocabulary_is_seen_in_some_model() -> None:
    seen = {
        label
        for family, head, changes in [*((*each, {}) for each in ALL), *((FAMILIES[n], h, c) for n, h, c in VARIANTS)]
        for attention in family.attentions
        for step in run_forward(as_loaded(tiny(family, head, attention=attention, **changes)), batch(family))[0].steps
        for label in (step.label, *(output.label for output in step.outputs))
    }
    rare = {
        *(labels.WORD_AND_POSITION_EMBEDDINGS, labels.POSITIONS, labels.FUSED_PROJECTION, labels.LOSS),
        *(labels.SPLIT_INTO_CHUNKS, labels.CHUNKS_JOINED, *labels.ONE_TOKEN, labels.MEAN_OF_TOKENS),
        labels.WORD_EMBEDDING_MATRIX,  # a parameter, which no step returns
    }
    assert labels.LABELS - seen - rare == set()
