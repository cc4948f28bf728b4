"""From a name to a checkpoint on this machine, checked as far as can be without torch."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError
from ..families import family_of
from .builtin import BUILTIN, CARRIED, NAMES, Builtin, Carried
from .config import DEFAULTS, checked_settings
from .files import JSON_LIMIT, CheckpointFiles
from .fit import advice, check_fit
from .kind import refuse_other_types
from .names import MERGE
from .notices import Notice, short, warn
from .plain_weights import plainly_named
from .spec import ModelSpec, Weights
from .tokenizing.present import NO_TOKENIZER, TOKENIZER_FILES, has_tokenizer
from .weights import FLOATS, INDEX, SINGLE, WeightFile

_PATTERNS = ["config.json", "*.safetensors", INDEX, *TOKENIZER_FILES]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a model's configuration, tokenizer and weights lie. ``weights`` is what is to be loaded, decided.

    ``config`` holds what `BertConfig` is to be given, checked; everything else is its default, which is BERT's own.
    """

    name: str
    source: Literal["builtin", "folder", "cache"]
    config: dict[str, Any]
    weights: Literal["pretrained", "random", "none"]
    folder: Path | None = None
    builtin: Builtin | None = None
    weight_files: tuple[WeightFile, ...] = ()
    about: str = ""
    """What the model is and is not, where the package carries it."""

    @property
    def layers(self) -> int:
        """How many encoder layers the configuration says there are."""
        return int(self.config.get("num_hidden_layers", 12))

    @property
    def heads(self) -> int:
        """How many attention heads the configuration says a layer has."""
        return int(self.config.get("num_attention_heads", 12))

    @property
    def positions(self) -> int:
        """How many tokens the configuration says a sentence may have."""
        return int(self.config.get("max_position_embeddings", 512))

    @property
    def words(self) -> int:
        """How many word embeddings the configuration says there are."""
        return int(self.config.get("vocab_size", 30522))

    @property
    def advice(self) -> str:
        """What to set in config.json so that it fits the weights, empty where it does."""
        tensors = [tensor for file in self.weight_files for tensor in file.tensors]
        return advice(tensors, family_of("bert").sizes_of({**DEFAULTS, **self.config}), family_of("bert"))

    @property
    def labels(self) -> int:
        """How many classes the configuration says there are."""
        named = self.config.get("id2label")
        return int(self.config.get("num_labels", 2)) if named is None else len(named)

    @property
    def gives_several_labels(self) -> bool:
        """Whether a sentence may have several labels."""
        return self.config.get("problem_type") == "multi_label_classification"

    def label_names(self, num_labels: int | None = None) -> list[str]:
        """Return the names of the classes in their order; of so many where a classifier is drawn anew."""
        named = self.config.get("id2label")
        count = self.labels if num_labels is None else num_labels
        if not isinstance(named, dict) or len(named) != count:
            return [f"LABEL_{place}" for place in range(count)]
        return [str(named.get(place, f"LABEL_{place}")) for place in range(count)]

    @property
    def dtype(self) -> str:
        """The weights' precision: what the configuration says, else what the first of them has."""
        if "dtype" in self.config:
            return str(self.config["dtype"])
        kinds = (
            FLOATS[tensor.dtype] for file in self.weight_files for tensor in file.tensors if tensor.dtype in FLOATS
        )
        return next(kinds, "float32")


def keep_off_the_network() -> None:
    """Forbid every connection of the libraries, before any of them is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in [*os.environ]:
        if name.startswith(_FOR_THE_NETWORK) and not _is_count(os.environ[name]):
            del os.environ[name]  # it says nothing that is understood, of connections that are not opened


_FOR_THE_NETWORK = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")
"""Variables that huggingface_hub reads as numbers when it is imported, and fails over."""


def check_environment() -> None:
    """Refuse values of variables over which the hub's library fails, where it is to be used.

    Raises:
        ModelError: names the variable.
    """
    for name in _FOR_THE_NETWORK:
        if name in os.environ and not _is_count(os.environ[name]):
            raise ModelError(
                f"the variable {name} is {short(repr(os.environ[name]))}, not a number of seconds",
                f"set it to one, or unset {name}",
            )


def _is_count(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def locate(spec: ModelSpec, *, notice: Notice = warn) -> Checkpoint:
    """Find a model: a folder of that name, else a built-in one, else one in the local Hugging Face cache.

    What is worth saying about it is told to ``notice``.

    Raises:
        ModelError: there is none, or it is not a BERT that can be loaded safely.
    """
    given = _in_folder(spec.name, spec.weights, notice)
    if given is not None:
        return given
    carried = CARRIED.get(spec.name)
    if carried is not None:
        return _carried(spec, carried, notice)
    known = BUILTIN.get(spec.name)
    if known is not None and spec.weights in ("random", "none"):
        return _built_in(spec.name, known, spec.weights)
    repositories = known.hub if known is not None else (spec.name,)
    folder = next((found for repo in repositories if (found := _cached(repo)) is not None), None)
    if folder is None and spec.download:
        folder = _download(repositories[0])
    if folder is not None:
        return _checked(folder, name=spec.name, source="cache", weights=spec.weights, notice=notice)
    if known is None:
        raise _unknown(spec.name)
    if spec.weights == "pretrained":
        raise ModelError(
            f"the pretrained weights of {spec.name} are not on this machine",
            'fetch them once with `download=True`, or trace random ones with `weights="random"`',
        )
    return _built_in(spec.name, known, "random")


def _carried(spec: ModelSpec, carried: Carried, notice: Notice) -> Checkpoint:
    found = _checked(carried.folder, name=spec.name, source="builtin", weights=spec.weights, notice=notice)
    return replace(found, config={**found.config, "dtype": carried.dtype}, about=carried.about)


def _built_in(name: str, known: Builtin, weights: Literal["random", "none"]) -> Checkpoint:
    return Checkpoint(name=name, source="builtin", config=known.config, weights=weights, builtin=known)


def _in_folder(name: str, weights: Weights, notice: Notice) -> Checkpoint | None:
    """Return the checkpoint in the folder that a name is a path of, None if there is nothing of that name.

    Raises:
        ModelError: there is something else, it may not be looked at, or it is not a BERT that can be loaded safely.
    """
    try:
        path = Path(name).expanduser()
        if name and path.is_dir():
            return _checked(path, name=_folder_name(path), source="folder", weights=weights, notice=notice)
        if path.is_symlink() and not path.exists():
            raise ModelError(f"{name} is a symbolic link to nothing", "name the folder that holds its config.json")
        if name and path.exists():
            raise ModelError(f"{name} is a file, not a folder", "name the folder that holds its config.json")
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a home that is not there, a loop of links
        why = getattr(error, "strerror", None) or _first_line(error)
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
    hint = "did you mean " + " or ".join(near) + "?" if near else "built in are " + ", ".join(NAMES)
    return ModelError(
        f"there is no model {name!r} on this machine", f"{hint}; `download=True` fetches one from the hub"
    )


def _cached(repository: str) -> Path | None:
    """Return the folder in which the Hugging Face cache holds a repository's newest version, without the network."""
    from huggingface_hub import constants

    parts = repository.split("/")
    if len(parts) > 2 or not all(part and part.strip(".") for part in parts):
        return None
    root = Path(constants.HF_HUB_CACHE) / "--".join(["models", *parts])
    try:
        newest = CheckpointFiles(root=root / "refs", name=repository).read("main", limit=JSON_LIMIT)
        revision = (newest or b"").decode().strip()
        folder = root / "snapshots" / revision
        return folder if revision.isalnum() and (folder / "config.json").is_file() else None
    except (OSError, ValueError):
        return None


def _download(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(repository, allow_patterns=_PATTERNS))
    except HFValidationError as error:
        raise ModelError(f"{repository!r} is not a name that the hub has", "write it as owner/name") from error
    except HfHubHTTPError as error:
        raise ModelError(f"the hub does not give {repository}: {_first_line(error)}", "look at its page") from error
    except Exception as error:  # whatever the network does: no connection, a proxy, a broken transfer
        raise ModelError(
            f"{repository} could not be fetched: {_first_line(error)}",
            "is there a network? copy the checkpoint into a folder and name that instead",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _checked(
    folder: Path, *, name: str, source: Literal["builtin", "folder", "cache"], weights: Weights, notice: Notice
) -> Checkpoint:
    """Return the checkpoint in a folder after a look at its configuration, weights and tokenizer."""
    files = CheckpointFiles(root=folder, name=name)
    config = files.read_object("config.json")
    if config is None:
        adapter = files.find("adapter_config.json") is not None
        what = "an adapter, not a model" if adapter else "not a checkpoint"
        raise ModelError(
            f"{folder} is {what}: it has no config.json",
            MERGE if adapter else "name a folder that save_pretrained wrote",
        )
    refuse_other_types(config, files, notice)
    settings = checked_settings(config, name=name, notice=notice)
    if not has_tokenizer(files):
        raise ModelError(
            f"{name} has no tokenizer: {NO_TOKENIZER}",
            "save it there too: tokenizer.save_pretrained(folder)",
        )
    weight_files: tuple[WeightFile, ...] = ()
    if weights in ("auto", "pretrained"):
        weight_files = plainly_named(files, notice)
        if not weight_files:
            raise _no_weights(files)
        sizes = family_of("bert").sizes_of({**DEFAULTS, **settings})
        check_fit((tensor for file in weight_files for tensor in file.tensors), sizes, family_of("bert"), name=name)
        if files.find("adapter_config.json") is not None:
            notice(f"{name} holds an adapter (adapter_config.json): it is not applied")
    return Checkpoint(
        name=name,
        source=source,
        config=settings,
        weights="pretrained" if weights == "auto" else weights,
        folder=folder,
        weight_files=weight_files,
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
