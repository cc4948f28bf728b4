"""``run --input FILE``: many sentences, traced in batches into JSON Lines, one trace a line."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from ..errors import ExitCode, UsageError
from ..families.heads import MULTIPLE_CHOICE
from ..terminal import Terminal
from . import help
from .engine_options import EngineName, EngineOptions, check_engine, check_shards_beside
from .inputs import check_edits_of_many
from .many_told import told
from .many_work import Work
from .prepare import find

if TYPE_CHECKING:
    from ..capture.keep import Keep
    from ..loading.spec import ModelSpec
    from ..traces.edits import Edit
    from ..traces.line_store import Lines
    from ..traces.selection import Selection
    from .options import OutputOptions, TextOptions


BatchSize = Annotated[int, typer.Option(min=1, metavar="N", help="Sentences per batch, with --input.")]


@dataclass(frozen=True, kw_only=True)
class ManyOptions:
    """A file of sentences in place of a few."""

    panel: ClassVar = help.INPUT

    input_file: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Trace many sentences, one a line, into JSON Lines: each line a batch of like length; its "
            "'input.lines' says which lines of the file it is of.",
        ),
    ] = None
    batch_size: BatchSize = 16
    resume: Annotated[bool, typer.Option("--resume", help="Continue where a run with --input stopped.")] = False


@dataclass(frozen=True, kw_only=True)
class ManyEngine(EngineOptions):
    """Who does the work, where there are many sentences."""

    engine: Annotated[
        EngineName,
        typer.Option(
            help="With --input, ray: on the machines of a Ray cluster, or several processes of this one (extra ray)."
        ),
    ] = "local"
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="With --input: torch's threads in a process; with other numbers, sums may round otherwise.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What is recorded of a forward."""

    selection: "Selection"
    keep: "Keep"
    verify: bool
    edits: "Sequence[Edit]" = ()


def run_many(
    many: ManyOptions,
    text: "TextOptions",
    spec: "ModelSpec",
    recording: Recording,
    *,
    engine: EngineOptions,
    out: "OutputOptions",
    terminal: Terminal,
) -> int:
    """Trace every sentence of a file and write each batch's trace as a line, as it comes.

    Raises:
        UsageError: the file cannot be read, the output exists already and ``--resume`` was not given, or there is no
            such engine.
    """
    assert many.input_file is not None, "asked for only where one is given"
    check_shards_beside(engine, out.file, what="traces")
    check_engine(engine)
    with _opened(out, resume=many.resume) as lines:
        _check_begun(engine, out.file, resume=many.resume)
        if not lines.locked:
            terminal.say(f"the file system of {out.file} has no locks: let no other run write to it meanwhile")
        return _traced(many, text, spec, recording, lines, engine=engine, out=out, terminal=terminal)


def _traced(
    many: ManyOptions,
    text: "TextOptions",
    spec: "ModelSpec",
    recording: Recording,
    lines: "Lines",
    *,
    engine: EngineOptions,
    out: "OutputOptions",
    terminal: Terminal,
) -> int:
    """Trace what the output does not hold yet."""
    from ..corpus.sentence_file import read_lines

    file, done = str(many.input_file), lines.finished.sentences
    count = lines.finished.check_sentences(read_lines(file), file)  # the whole file, before anything slow starts
    if not count:
        raise UsageError(f"there is no sentence in {file}", "write one a line; blank lines do not count")
    checkpoint = find(spec, terminal)
    recording.selection.check_layers(checkpoint.layers)
    check_edits_of_many(recording.edits, checkpoint.sizes)
    if checkpoint.head is MULTIPLE_CHOICE:
        raise UsageError(
            f"{checkpoint.name} chooses between texts that may follow one, and {file} holds texts alone",
            "run it on one text with --choice",
        )

    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=terminal.say)
    limit = token_limit(tokenizer, checkpoint.positions, text.max_length)
    lines.finished.check_batches(size=many.batch_size, limit=limit, truncate=text.truncate)
    work = Work(
        file=file,
        batch_size=many.batch_size,
        spec=spec,
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        how={"limit": limit, "truncate": text.truncate, **vars(recording)},
        count=count,
        engine=engine,
        output=out.file,
        terminal=terminal,
    )
    if len(done) == count:
        work.nothing(lines)
        return ExitCode.OK
    collect_garbage()
    tally = work.on_ray(lines) if engine.engine == "ray" else work.here(lines)
    return told(tally, terminal, unknown_token=tokenizer.unk_token, limit=limit)


@contextmanager
def _opened(out: "OutputOptions", *, resume: bool) -> "Iterator[Lines]":
    """Open the file that the traces are added to, or stdout."""
    from ..traces.line_store import Lines, open_lines

    if out.file is not None:
        with open_lines(out.file, resume=resume) as lines:
            yield lines
        return
    if resume:
        raise UsageError("--resume needs the file that an earlier run wrote", "name it with -o FILE")
    yield Lines(raw=sys.stdout.buffer)


def _check_begun(engine: EngineOptions, output: str | None, *, resume: bool) -> None:
    """Refuse an output that workers began, unless they are to go on with it.

    Raises:
        UsageError: its parts are there.
    """
    from ..workers.folder import shards_beside

    if output is None or not Path(folder := shards_beside(output)).is_dir():
        return
    if not resume:
        raise UsageError(f"{folder} is there already", "--resume continues it; else remove it or name another")
    if engine.engine != "ray":
        raise UsageError(f"{folder} is there: a run with --engine ray began it", "add --engine ray")


def collect_garbage() -> None:
    """Turn the garbage collector on, which is off because most commands take seconds: this one may take hours."""
    gc.freeze()  # what the imports made stays, and need not be walked
    gc.enable()
