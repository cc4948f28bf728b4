"""The folder beside an output in which workers write its parts until it is whole."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import UsageError
from ..files import cannot_write


def shards_beside(output: str) -> str:
    """Return the folder in which the parts of an output are kept until it is whole."""
    return f"{output}.shards"


def make_folder(folder: str) -> None:
    """Make the folder of parts, if it is not there.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        Path(folder).mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def remove(folder: str, *, pattern: str) -> None:
    """Remove a folder of parts, whose names are of a pattern, with what killed workers left half written; anything else
    in it stays.
    """
    place = Path(folder)
    with suppress(OSError):
        for file in [*place.glob(pattern), *place.glob(".bert-inspect-*.part")]:
            file.unlink()
        place.rmdir()


def check_there(files: Sequence[str], folder: str) -> None:
    """Hold that this machine sees what the workers wrote.

    Raises:
        UsageError: it does not.
    """
    missing = [file for file in files if not Path(file).is_file()]
    if missing:
        raise UsageError(
            f"{len(missing)} parts were written, and are not in {folder} on this machine",
            "name an output in a folder that all machines of the cluster share",
        )
