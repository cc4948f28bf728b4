"""Who does the work over many sentences: this process, or the workers of a Ray cluster."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import typer

from ..errors import UsageError
from . import help
from .outfile import is_plain

EngineName = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Who does the work."""

    panel: ClassVar = help.MACHINES

    engine: Annotated[
        EngineName,
        typer.Option(help="ray: on the machines of a Ray cluster, or several processes of this one (extra ray)."),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The Ray cluster: its address, or auto; else one is started here."),
    ] = None
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Torch's threads in a process; with other numbers, sums may round otherwise."
        ),
    ] = None


def check_engine(given: EngineOptions) -> None:
    """Refuse an engine that is not there, before anything slow starts.

    Raises:
        UsageError: Ray is not installed, or an address is given to another engine.
    """
    if given.engine == "ray":
        from ..workers.installed import check_ray

        check_ray()
    elif given.address is not None:
        raise UsageError("--address is that of a Ray cluster", "add --engine ray")


def check_shards_beside(given: EngineOptions, output: str | None, *, what: str) -> None:
    """Refuse an output beside which workers cannot write their parts; ``what`` it is to hold.

    Raises:
        UsageError: there is none, or it is not a plain file.
    """
    if given.engine == "ray" and (output is None or not is_plain(output)):
        raise UsageError(f"--engine ray writes its parts beside the {what}", f"name a file for the {what} with -o FILE")
