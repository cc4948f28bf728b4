"""Edited runs of tiny models, and the same models changed by plain torch."""

import copy
from typing import Any

import torch
from families.tiny import arguments, as_loaded, batch, tiny

from bert_inspect.capture.forward import run_forward
from bert_inspect.capture.keep import Keep
from bert_inspect.families import Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.traces.edits import parse_edits
from bert_inspect.traces.record import Trace


def a_model(family: Family, attention: str = "eager", **changes: Any) -> Any:
    return tiny(family, SEQUENCE_CLASSIFICATION, attention=attention, **changes)


def edited(model: Any, family: Family, *specs: str, padding: str = "right", verify: bool = False) -> Trace:
    """The trace of a run with these edits."""
    given = batch(family, padding=padding)
    loaded = as_loaded(model)
    return run_forward(loaded, given, keep=Keep(values="full"), edits=parse_edits(specs), verify=verify).trace


def logits(trace: Trace) -> torch.Tensor:
    assert trace.output is not None
    return torch.tensor(trace.output.logits)


def plain(model: Any, family: Family, padding: str = "right") -> torch.Tensor:
    """What transformers returns without us."""
    with torch.no_grad():
        found = model(**arguments(family, SEQUENCE_CLASSIFICATION, batch(family, padding=padding))).logits
    assert isinstance(found, torch.Tensor)
    return found


def layers(model: Any) -> int:
    return as_loaded(model).layers


def modules_of(model: Any, role: str) -> list[Any]:
    """The modules of a role, in order."""
    family = as_loaded(model).family
    return [module for path, module in model.named_modules() if family.role(path) == role]


def without_columns(model: Any, role: str, columns: slice) -> Any:
    """A copy in which these inputs of a projection count for nothing."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for module in modules_of(other, role):
            module.weight[:, columns] = 0.0
    return other
