"""The options of ``profile``."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from . import help
from .engine_options import EngineOptions
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
    batch_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Tokens per batch, padding included: fewer sentences where they are long."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class MachineOptions(EngineOptions):
    """Who does the work, and which part of it."""

    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Profile the I-th of N parts alone; profile merge adds them up.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Continue where a run with the same options stopped.")] = (
        False
    )
