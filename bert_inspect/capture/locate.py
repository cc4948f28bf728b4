"""From a name to a checkpoint on this machine, checked as far as can be without torch."""

import difflib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ModelError
from .builtin import BUILTIN, Builtin

Weights = Literal["auto", "pretrained", "random", "none"]
_INDEX = "model.safetensors.index.json"
_PATTERNS = ["config.json", "*.safetensors", _INDEX, "tokenizer*.json", "vocab.txt", "special_tokens_map.json"]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a model's configuration, tokenizer and weights lie. ``weights`` is what is to be loaded, decided."""

    name: str
    source: Literal["builtin", "folder", "cache"]
    config: dict[str, Any]
    weights: Literal["pretrained", "random", "none"]
    folder: Path | None = None
    builtin: Builtin | None = None

    @property
    def layers(self) -> int | None:
        """How many encoder layers the configuration says there are."""
        count = self.config.get("num_hidden_layers", 12)
        return count if isinstance(count, int) else None

    @property
    def positions(self) -> int | None:
        """How many tokens the configuration says a sentence may have."""
        count = self.config.get("max_position_embeddings", 512)
        return count if isinstance(count, int) else None

    @property
    def labels(self) -> int:
        """How many classes the configuration says there are."""
        named = self.config.get("id2label")
        count = len(named) if isinstance(named, dict) else self.config.get("num_labels", 2)
        return count if isinstance(count, int) else 2


def keep_off_the_network() -> None:
    """Forbid every connection of the libraries, before any of them is imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def locate(name: str, *, weights: Weights = "auto", download: bool = False) -> Checkpoint:
    """Find a model: a folder of that name, else a built-in one, else one in the local Hugging Face cache.

    Raises:
        ModelError: there is none, or it is not a BERT that can be loaded safely.
    """
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            return _checked(path, name=path.resolve().name, source="folder", weights=weights)
        if path.exists():
            raise ModelError(f"{name} is a file, not a folder", "name the folder that holds its config.json")
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {name!r}: {error}", "name a folder, or a model") from error
    known = BUILTIN.get(name)
    if known is not None and weights in ("random", "none"):
        return Checkpoint(name=name, source="builtin", config=known.config, weights=weights, builtin=known)
    repositories = known.hub if known is not None else (name,)
    folder = next((found for repo in repositories if (found := _cached(repo)) is not None), None)
    if folder is None and download:
        folder = _download(repositories[0])
    if folder is not None:
        return _checked(folder, name=name, source="cache", weights=weights)
    if known is None:
        raise _unknown(name)
    if weights == "pretrained":
        raise ModelError(
            f"the pretrained weights of {name} are not on this machine",
            "fetch them once with --download, or trace random ones with --weights random",
        )
    return Checkpoint(name=name, source="builtin", config=known.config, weights="random", builtin=known)


def _unknown(name: str) -> ModelError:
    if os.sep in name and (name.startswith((".", "/", "~")) or name.count(os.sep) > 1):
        return ModelError(f"there is no folder {name}", "name a folder that save_pretrained wrote")
    near: Sequence[str] = difflib.get_close_matches(name, BUILTIN, n=3)
    hint = "did you mean " + " or ".join(near) + "?" if near else "built in are " + ", ".join(BUILTIN)
    return ModelError(f"there is no model {name!r} on this machine", f"{hint}; --download fetches one from the hub")


def _cached(repository: str) -> Path | None:
    """Return the folder in which the Hugging Face cache holds a repository's newest version, without the network."""
    from huggingface_hub import constants

    parts = repository.split("/")
    if len(parts) > 2 or not all(part and part.strip(".") for part in parts):
        return None
    root = Path(constants.HF_HUB_CACHE) / "--".join(["models", *parts])
    try:
        revision = (root / "refs" / "main").read_text().strip()
        folder = root / "snapshots" / revision
        return folder if (folder / "config.json").is_file() else None
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


def _checked(folder: Path, *, name: str, source: Literal["folder", "cache"], weights: Weights) -> Checkpoint:
    """Return the checkpoint in a folder after a look at its configuration, weights and tokenizer."""
    config = read_config(folder)
    kind = config.get("model_type")
    if kind != "bert":
        classes = config.get("architectures")
        made = f" ({', '.join(map(str, classes))})" if isinstance(classes, list) and classes else ""
        what = f"a {kind} checkpoint{made}" if isinstance(kind, str) else "no checkpoint that names its model_type"
        raise ModelError(f"{name} is {what}, not BERT", "bert-inspect reads BERT checkpoints (model_type bert)")
    if not any((folder / file).is_file() for file in ("tokenizer.json", "vocab.txt")):
        raise ModelError(
            f"{name} has no tokenizer: neither tokenizer.json nor vocab.txt",
            "save it there too: tokenizer.save_pretrained(folder)",
        )
    if weights in ("auto", "pretrained"):
        _check_weights(folder, name)
    chosen: Literal["pretrained", "random", "none"] = "pretrained" if weights == "auto" else weights
    return Checkpoint(name=name, source=source, config=config, weights=chosen, folder=folder)


def read_config(folder: Path) -> dict[str, Any]:
    """Read a folder's config.json.

    Raises:
        ModelError: it is not there, or not a JSON object.
    """
    file = folder / "config.json"
    try:
        config = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} is no checkpoint: it has no config.json", "name a folder that save_pretrained wrote"
        ) from error
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror}", "see who may read it") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged: {error}", "save the model again with save_pretrained") from error
    if not isinstance(config, dict):
        raise ModelError(f"{file} is damaged: it holds no JSON object", "save the model again with save_pretrained")
    return config


def _check_weights(folder: Path, name: str) -> None:
    if any((folder / file).is_file() for file in ("model.safetensors", _INDEX)):
        return
    pickles = sorted(file.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for file in folder.glob(pattern))
    if pickles:
        raise ModelError(
            f"{name} has its weights as a pickle ({pickles[0]}), which can run code when loaded",
            "convert it where you trust it: load it with transformers there, and save_pretrained writes safetensors",
        )
    raise ModelError(f"{name} has no weights (model.safetensors)", "trace its shapes with --weights random or none")
