"""``run --input FILE``: many sentences, traced in batches into JSON Lines, one trace a line."""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from ..errors import BertInspectError, ExitCode, UsageError
from ..families.heads import MULTIPLE_CHOICE
from ..terminal import Terminal, report, stdout
from . import help
from .inputs import check_edits_of_many
from .prepare import find, load

if TYPE_CHECKING:
    from ..capture.keep import Keep
    from ..loading.spec import ModelSpec
    from ..traces.edits import Edit
    from ..traces.line_store import Lines
    from ..traces.record import Trace
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
    out: "OutputOptions",
    terminal: Terminal,
) -> int:
    """Trace every sentence of a file and write each batch's trace as a line, as it comes.

    Raises:
        UsageError: the file cannot be read, or the output exists already and ``--resume`` was not given.
    """
    assert many.input_file is not None, "asked for only where one is given"
    with _opened(out, resume=many.resume) as lines:
        if not lines.locked:
            terminal.say(f"the file system of {out.file} has no locks: let no other run write to it meanwhile")
        return _traced(many, text, spec, recording, lines, out=out, terminal=terminal)


def _traced(
    many: ManyOptions,
    text: "TextOptions",
    spec: "ModelSpec",
    recording: Recording,
    lines: "Lines",
    *,
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
    with terminal.waiting("loading torch and the model"):
        from ..capture.batches import batches, trace_again, trace_batch

        loaded = load(checkpoint, spec, terminal, tokenizer=tokenizer)
    outcome, ended = _Outcome(tokenizer), False
    how = {"limit": limit, "truncate": text.truncate, **vars(recording)}
    if done:
        earlier = lines.finished.earlier()
        lines.finished.check_again(earlier, trace_again(loaded, tokenizer, earlier, **how))
    left = count - len(done)
    if not left:
        terminal.say(f"nothing is left to do: {_sentences(count)} of {file} traced already, in {out.file}")
        return ExitCode.OK
    collect_garbage()
    to_stdout = stdout() if out.file is None else nullcontext()
    with to_stdout, terminal.progress(count, done=len(done)) as advance:
        for batch in batches(read_lines(file), tokenizer, size=many.batch_size):
            if rest := [line for line in batch if line.number not in done]:
                trace = trace_batch(loaded, tokenizer, rest, **how)
                outcome.add(trace)
                lines.add(trace)
                advance(len(rest))
        ended = True
    if ended:  # a reader of stdout that leaves ends it before
        where = f", written to {out.file}" if out.file is not None else ""
        terminal.say(f"{_sentences(left)} traced in {outcome.batches}{where}")
    return outcome.told(terminal, limit)


def _sentences(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count} sentences"


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


def collect_garbage() -> None:
    """Turn the garbage collector on, which is off because most commands take seconds: this one may take hours."""
    gc.freeze()  # what the imports made stays, and need not be walked
    gc.enable()


_NAMED = 8
"""How many words are named of those that the vocabulary does not hold."""


class _Outcome:
    """Counts over all batches of what is reported at the end."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._failed = self._unproved = self._cut = self._count = self._unknown = 0
        self._unknown_words: dict[str, None] = {}

    @property
    def batches(self) -> str:
        """How many batches there were."""
        return "1 batch" if self._count == 1 else f"{self._count} batches"

    def add(self, trace: "Trace") -> None:
        from ..capture.odd_text import unknown_words

        self._count += 1
        self._failed += trace.failure is not None
        self._unproved += trace.proof is not None and not trace.proof.passed
        self._cut += sum(1 for tokens in trace.input.truncated if tokens)
        for sentence in range(len(trace.input.texts)):
            words = unknown_words(trace.input, sentence, self._tokenizer)
            self._unknown += bool(words)
            self._unknown_words |= dict.fromkeys(words[: _NAMED + 1 - len(self._unknown_words)])

    def told(self, terminal: Terminal, limit: int | None) -> ExitCode:
        """Say what happened, and return the exit code."""
        if self._cut:
            terminal.say(
                f"sentences cut to keep to {limit} tokens: {self._cut}; 'truncated' in their lines says by how many"
            )
        if self._unknown:
            words = [*self._unknown_words]
            named = ", ".join(words[:_NAMED]) + (" ..." if len(words) > _NAMED else "")
            terminal.say(
                f"sentences with words that are not in the vocabulary, so the model sees {self._tokenizer.unk_token}: "
                f"{self._unknown} ({named})"
            )
        for count, what, where in (
            (self._failed, "forward", "'failure' in their lines says why"),
            (self._unproved, "proof", "'proof' in their lines says where"),
        ):
            if count:
                report(BertInspectError(f"the {what} failed for {count} batch{'es' if count > 1 else ''}", where))
        return ExitCode.NO if self._failed or self._unproved else ExitCode.OK
