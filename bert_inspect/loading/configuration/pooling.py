"""How sentence-transformers makes one vector of a sentence's hidden states, as its files beside a checkpoint say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError
from ..files import CheckpointFiles
from ..notices import Notice, short

_MODULES, _FOLDER, _FILE = "modules.json", "1_Pooling", "config.json"
_KINDS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""The keys of its configuration (``sentence_transformers/models/Pooling.py``), in the order in which several are put
side by side, and what it calls each kind.
"""
_NAMED = "pooling_mode"
"""The key of newer releases: the name of a kind, or a list of them."""
_FOLDER_NAME = re.compile(r"\w[\w-]{0,60}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class _Module:
    kind: str
    path: str


def pooling_of(files: CheckpointFiles, notice: Notice) -> tuple[str, ...]:
    """Return the kinds of pooling that a checkpoint's folder names, none where it names none.

    What comes after the pooling is not applied; where that changes the cosine between sentences there is none, and
    ``notice`` is told.

    Raises:
        ModelError: a file is damaged, or names a pooling that is not known.
    """
    modules = _modules(files)
    pooling = next((module for module in modules if module.kind == "Pooling"), None)
    if modules and pooling is None:
        return ()
    folder = _FOLDER if pooling is None else pooling.path
    file = f"{folder}/{_FILE}"
    config = files.read_object(file)
    if config is None:
        return ()
    kinds = _kinds(files, file, config)
    after = modules[modules.index(pooling) + 1 :] if pooling is not None else []
    if others := [module.kind for module in after if module.kind != "Normalize"]:
        notice(
            f"{files.name} puts its sentences through {short(', '.join(others))} after the pooling ({_MODULES}), which "
            "is not read: no cosine is shown"
        )
        return ()
    return kinds


def refuse_model_elsewhere(files: CheckpointFiles) -> None:
    """Refuse a folder whose model lies in one of its folders, as older releases of sentence-transformers wrote it.

    Raises:
        ModelError: names that folder; or the list of modules is damaged.
    """
    _modules(files)


def _modules(files: CheckpointFiles) -> Sequence[_Module]:
    data = files.read_list(_MODULES)
    if data is None:
        return []
    found = []
    for entry in data:
        kind, path = (entry.get("type"), entry.get("path", "")) if isinstance(entry, dict) else (None, "")
        if not isinstance(kind, str) or not isinstance(path, str) or (path and not _FOLDER_NAME.fullmatch(path)):
            raise files.damaged(_MODULES, "it does not list modules with a type and a folder beside it")
        found.append(_Module(kind=short(kind.rpartition(".")[2]), path=path))
    if found and found[0].path:
        raise ModelError(
            f"{files.name} keeps its model in a folder of its own, {found[0].path} ({_MODULES})",
            f"name that folder: its pooling in {_FOLDER} is found only beside the model",
        )
    return found


def _kinds(files: CheckpointFiles, file: str, config: dict[str, Any]) -> tuple[str, ...]:
    named = config.get(_NAMED)
    if named is not None:
        names = named if isinstance(named, list) else [named]
        if not names or any(name not in _KINDS.values() for name in names):
            raise files.damaged(file, f"{_NAMED} is not one of {', '.join(_KINDS.values())}")
        return tuple(kind for kind in _KINDS.values() if kind in names)
    found = {key: config.get(key, False) for key in _KINDS}
    if wrong := next((key for key, value in found.items() if not isinstance(value, bool)), None):
        raise files.damaged(file, f"{wrong} is not true or false")
    return tuple(_KINDS[key] for key, value in found.items() if value)
