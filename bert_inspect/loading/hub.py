"""The Hugging Face hub: its cache on this machine, and the network where it was asked for; nothing else."""

import os
from pathlib import Path

from ..errors import ModelError
from .files import JSON_LIMIT, CheckpointFiles
from .notices import short
from .tokenizing.present import TOKENIZER_FILES
from .weights.safetensors_files import INDEX

_POOLING = ["modules.json", "1_Pooling/config.json"]
_PATTERNS = ["config.json", "*.safetensors", INDEX, *TOKENIZER_FILES, *_POOLING]


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


def cached(repository: str) -> Path | None:
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


def download(repository: str) -> Path:
    """Fetch a repository's newest version, of its files those that are read, and return its folder.

    Raises:
        ModelError: the hub does not give it, or there is no network.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(repository, allow_patterns=_PATTERNS))
    except HFValidationError as error:
        raise ModelError(f"{repository!r} is not a name that the hub has", "write it as owner/name") from error
    except HfHubHTTPError as error:
        raise ModelError(f"the hub does not give {repository}: {first_line(error)}", "look at its page") from error
    except Exception as error:  # whatever the network does: no connection, a proxy, a broken transfer
        raise ModelError(
            f"{repository} could not be fetched: {first_line(error)}",
            "is there a network? copy the checkpoint into a folder and name that instead",
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its class."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
