"""From a name to a checkpoint on this machine, checked as far as can be without torch."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..errors import ModelError
from ..families import BERT
from ..families.heads import SEQUENCE_CLASSIFICATION
from .builtin import BUILTIN, CARRIED, NAMES, Builtin, Carried
from .checkpoint import Checkpoint
from .configuration.family import family_in
from .configuration.head import chosen_head, head_for
from .configuration.pooling import pooling_of, refuse_model_elsewhere
from .configuration.settings import checked_settings
from .files import CheckpointFiles
from .hub import cached, download, first_line
from .notices import Notice, short, warn
from .spec import ModelSpec
from .tokenizing.present import NO_TOKENIZER, has_tokenizer
from .weights.fit import check_fit
from .weights.names import MERGE
from .weights.plainly_named import plainly_named
from .weights.safetensors_files import SINGLE, WeightFile


def locate(spec: ModelSpec, *, notice: Notice = warn) -> Checkpoint:
    """Find a model: a folder of that name, else a built-in one, else one in the local Hugging Face cache.

    What is worth saying about it is told to ``notice``.

    Raises:
        ModelError: there is none, or it is not one that can be loaded safely.
        UsageError: its family has no head for the task.
    """
    given = _in_folder(spec, notice)
    if given is not None:
        return given
    carried = CARRIED.get(spec.name)
    if carried is not None:
        return _carried(spec, carried, notice)
    known = BUILTIN.get(spec.name)
    if known is not None and spec.weights in ("random", "none"):
        return _built_in(spec, known, spec.weights)
    repositories = known.hub if known is not None else (spec.name,)
    folder = next((found for repo in repositories if (found := cached(repo)) is not None), None)
    if folder is None and spec.download:
        folder = download(repositories[0])
    if folder is not None:
        # The built-in names stand for a classifier, as they do without a checkpoint.
        asked = replace(spec, task="text-classification") if known is not None and spec.task == "auto" else spec
        return _checked(folder, asked, name=spec.name, source="cache", notice=notice)
    if known is None:
        raise _unknown(spec.name)
    if spec.weights == "pretrained":
        raise ModelError(
            f"the pretrained weights of {spec.name} are not on this machine",
            'fetch them once with `download=True`, or trace random ones with `weights="random"`',
        )
    return _built_in(spec, known, "random")


def _carried(spec: ModelSpec, carried: Carried, notice: Notice) -> Checkpoint:
    found = _checked(carried.folder, spec, name=spec.name, source="builtin", notice=notice)
    return replace(found, config={**found.config, "dtype": carried.dtype}, about=carried.about)


def _built_in(spec: ModelSpec, known: Builtin, weights: Literal["random", "none"]) -> Checkpoint:
    task = SEQUENCE_CLASSIFICATION.task if spec.task == "auto" else spec.task
    return Checkpoint(
        name=spec.name,
        source="builtin",
        family=BERT,
        head=head_for(task, BERT, name=spec.name, num_labels=spec.num_labels),
        config=known.config,
        weights=weights,
        builtin=known,
    )


def _in_folder(spec: ModelSpec, notice: Notice) -> Checkpoint | None:
    """Return the checkpoint in the folder that a name is a path of, None if there is nothing of that name.

    Raises:
        ModelError: there is something else, it may not be looked at, or it is not one that can be loaded safely.
    """
    name = spec.name
    try:
        path = Path(name).expanduser()
        if name and path.is_dir():
            return _checked(path, spec, name=_folder_name(path), source="folder", notice=notice)
        if path.is_symlink() and not path.exists():
            raise ModelError(f"{name} is a symbolic link to nothing", "name the folder that holds its config.json")
        if name and path.exists():
            raise ModelError(f"{name} is a file, not a folder", "name the folder that holds its config.json")
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a home that is not there, a loop of links
        why = getattr(error, "strerror", None) or first_line(error)
        raise ModelError(f"cannot read {short(repr(name))}: {why}", "name a folder, or a model") from error
    return None


def _folder_name(path: Path) -> str:
    """Return what a folder is called, as text that every file can hold."""
    full = path.resolve()
    return os.fsencode(full.name or str(full)).decode("utf-8", "backslashreplace")


def _unknown(name: str) -> ModelError:
    if os.sep in name and (name.startswith((".", "/", "~")) or name.count(os.sep) > 1):
        return ModelError(f"there is no folder {name}", "name a folder that save_pretrained wrote")
    near: Sequence[str] = difflib.get_close_matches(name, NAMES, n=3)
    fetch = "`download=True` fetches one from the hub"
    hint = f"{fetch}; did you mean {' or '.join(near)}?" if near else f"built in are {', '.join(NAMES)}; {fetch}"
    return ModelError(f"there is no model {name!r} on this machine", hint)


def _checked(
    folder: Path, spec: ModelSpec, *, name: str, source: Literal["builtin", "folder", "cache"], notice: Notice
) -> Checkpoint:
    """Return the checkpoint in a folder after a look at its configuration, weights and tokenizer."""
    files = CheckpointFiles(root=folder, name=name)
    config = files.read_object("config.json")
    if config is None:
        raise _no_configuration(files)
    family = family_in(config, files, notice)
    settings = checked_settings(config, family, name=name, notice=notice)
    if not has_tokenizer(files):
        raise ModelError(
            f"{name} has no tokenizer: {NO_TOKENIZER}", "save it there too: tokenizer.save_pretrained(folder)"
        )
    weight_files: tuple[WeightFile, ...] = ()
    if spec.weights in ("auto", "pretrained"):
        weight_files = plainly_named(files, family, notice)
        if not weight_files:
            raise _no_weights(files)
        if files.find("adapter_config.json") is not None:
            notice(f"{name} holds an adapter (adapter_config.json): it is not applied")
    tensors = [tensor for file in weight_files for tensor in file.tensors]
    chosen = chosen_head(spec, family, config, [tensor.name for tensor in tensors], name=name, notice=notice)
    found = Checkpoint(
        name=name,
        source=source,
        family=family,
        head=chosen.head,
        draws_head=chosen.by_name,
        config=settings,
        weights="pretrained" if spec.weights == "auto" else spec.weights,
        folder=folder,
        weight_files=weight_files,
        pooling=pooling_of(files, notice),
    )
    check_fit(tensors, found.sizes, family, name=name)
    return found


def _no_configuration(files: CheckpointFiles) -> ModelError:
    refuse_model_elsewhere(files)
    adapter = files.find("adapter_config.json") is not None
    what = "an adapter, not a model" if adapter else "not a checkpoint"
    return ModelError(
        f"{files.root} is {what}: it has no config.json",
        MERGE if adapter else "name a folder that save_pretrained wrote",
    )


def _no_weights(files: CheckpointFiles) -> ModelError:
    patterns = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
    pickles = sorted(file.name for pattern in patterns for file in files.root.glob(pattern))
    if (adapter := files.find("adapter_model.safetensors")) is not None:
        return ModelError(f"{files.name} has no weights of its own, only an adapter's ({adapter.name})", MERGE)
    if pickles:
        return ModelError(
            f"{files.name} has its weights as a pickle ({short(pickles[0])}), which can run code when loaded",
            "convert it where you trust it: load it with transformers there, and save_pretrained writes safetensors",
        )
    return ModelError(
        f"{files.name} has no weights ({SINGLE})", 'trace its shapes with `weights="random"` or `weights="none"`'
    )
