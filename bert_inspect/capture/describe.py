"""What a trace says of the model that ran and of the versions that ran it."""

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch

from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import Environment, Model, Sizes
from ..traces.values import strict
from .tracing.tensor_stats import dtype_name


def environment() -> Environment:
    """Return the versions of everything that makes a trace."""
    return Environment(
        bert_inspect=version("bert-inspect"),
        python=platform.python_version(),
        torch=str(torch.__version__),
        transformers=sys.modules["transformers"].__version__,
    )


def described(loaded: Loaded, edits: Sequence[Edit] = ()) -> Model:
    """Return a loaded model as plain data: its configuration, its sizes, where it came from, how it runs and what was
    edited in the run.
    """
    model, settings = loaded.model, loaded.model.config.to_dict()
    parameter = next(model.parameters())
    return Model(
        name=loaded.name,
        class_=type(model).__name__,
        source=loaded.source,
        weights=loaded.weights,
        initialised=list(loaded.initialised),
        attention=model.config._attn_implementation,
        dtype=dtype_name(parameter.dtype),
        device=str(parameter.device),
        seed=loaded.seed,
        parameters=sum(tensor.numel() for tensor in model.parameters()),
        config={key: _strict(value) for key, value in settings.items() if not key.startswith("_")},
        family=loaded.family.model_type,
        task=loaded.head.task,
        sizes=Sizes(**loaded.family.sizes_of(settings)),
        unused=list(loaded.unused),
        about=loaded.about if loaded.weights == "pretrained" else "",
        edits=[str(edit) for edit in edits],
    )


def _strict(value: Any) -> Any:
    """Return a configuration's value as strict JSON has it."""
    if isinstance(value, float):
        return strict(value)
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)
