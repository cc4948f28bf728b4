"""From a configuration to the model's components, on the meta device: no weights are built."""

import inspect
from pathlib import PurePath
from typing import Any

from ..loading.loaded import Loaded
from ..traces.components import Component, Components


def components(loaded: Loaded) -> Components:
    """Return every module with where it is implemented, ``transformers/models/bert/modeling_bert.py`` and the line."""
    implemented = {kind: _implemented(kind) for kind in {type(module) for module in loaded.model.modules()}}
    modules = [
        Component(
            path=path,
            type=type(module).__name__,
            arguments=module.extra_repr(),
            parameters=sum(tensor.numel() for tensor in module.parameters()),
            file=implemented[type(module)][0],
            line=implemented[type(module)][1],
            role=loaded.family.role(path),
            layer=loaded.family.layer_in_path(path),
        )
        for path, module in loaded.model.named_modules()
    ]
    return Components(name=loaded.name, parameters=modules[0].parameters, components=modules)


def _implemented(kind: Any) -> tuple[str, int]:
    """Return a class's file, from its package on, and its line."""
    try:
        file, (lines, start) = inspect.getfile(kind), inspect.getsourcelines(kind)
        line = start
    except (OSError, TypeError):
        return "", 0
    parts = PurePath(file).parts
    package = kind.__module__.partition(".")[0]
    place = len(parts) - 1 - parts[::-1].index(package) if package in parts else len(parts) - 1
    # Decorators stand above the class: what is wanted is the class.
    line += next((number for number, text in enumerate(lines) if text.startswith("class ")), 0)
    return "/".join(parts[place:]), line
