"""The options of ``profile``."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import typer

from . import help
from .many import BatchSize
from .options import MaxLength, Truncate


@dataclass(frozen=True, kw_only=True)
class CorpusOptions:
    """The corpus, and how it goes in."""

    panel: ClassVar = help.INPUT

    files: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="FILE...",
            help="Text, a sentence a line, or JSON Lines with text, pair, label (.jsonl, .ndjson), packed (.gz, .zst) "
            "or not; or folders of these.",
        ),
    ] = None
    max_length: MaxLength = None
    truncate: Truncate = False
    batch_size: BatchSize = 16


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """Who does the work, and which part of it."""

    panel: ClassVar = help.MACHINES

    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Profile the I-th of N parts alone; profile merge adds them up.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Continue where a run with the same options stopped.")] = (
        False
    )
    engine: Annotated[
        Literal["local", "ray"],
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
