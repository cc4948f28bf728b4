"""``run --input FILE``: many sentences, traced in batches into JSON Lines, one trace a line."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from ..errors import BertInspectError, ExitCode, UsageError
from ..terminal import Terminal, report, stdout
from . import help
from .prepare import find, load

if TYPE_CHECKING:
    from ..capture.keep import Keep
    from ..loading.spec import ModelSpec
    from ..traces.line_store import LineStore
    from ..traces.record import Trace
    from ..traces.selection import Selection
    from .options import OutputOptions, TextOptions


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
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Sentences per batch, with --input.")] = 16
    resume: Annotated[bool, typer.Option("--resume", help="Continue where a run with --input stopped.")] = False


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What is recorded of a forward."""

    selection: "Selection"
    keep: "Keep"
    verify: bool


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
    from ..capture.sentence_file import read_lines

    file = many.input_file
    assert file is not None, "asked for only where one is given"
    store = _store(out, resume=many.resume)
    done = store.done() if store is not None else set()
    count = sum(1 for _ in read_lines(file))  # a look through the whole file, before anything slow starts
    if not count:
        raise UsageError(f"there is no sentence in {file}", "write one a line; blank lines do not count")
    left = sum(1 for line in read_lines(file) if line.number not in done)
    if not left:
        terminal.say(f"nothing is left to do: {_sentences(count)} of {file} traced already, in {out.file}")
        return ExitCode.OK
    checkpoint = find(spec, terminal)
    recording.selection.check_layers(checkpoint.layers)

    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=terminal.say)
    limit = token_limit(tokenizer, checkpoint.positions, text.max_length)
    with terminal.waiting("loading torch and the model"):
        from ..capture.batches import batches, trace_batch

        loaded = load(checkpoint, spec, terminal)
    outcome, ended = _Outcome(tokenizer), False
    how = {"limit": limit, "truncate": text.truncate, **vars(recording)}
    _collect_garbage()
    with _appending(store) as append, terminal.progress(count, done=len(done)) as advance:
        for batch in batches(read_lines(file), tokenizer, size=many.batch_size):
            if rest := [line for line in batch if line.number not in done]:
                trace = trace_batch(loaded, tokenizer, rest, **how)
                outcome.add(trace)
                append(trace)
                advance(len(rest))
        ended = True
    if ended:  # a reader of stdout that leaves ends it before
        where = f", written to {out.file}" if out.file is not None else ""
        terminal.say(f"{_sentences(left)} traced in {outcome.batches}{where}")
    return outcome.told(terminal, limit)


def _sentences(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count} sentences"


def _store(out: "OutputOptions", *, resume: bool) -> "LineStore | None":
    """Return the file that the traces are added to, None if they go to stdout."""
    from ..traces.line_store import LineStore

    if out.file is not None:
        return LineStore(path=out.file, resume=resume)
    if resume:
        raise UsageError("--resume needs the file that an earlier run wrote", "name it with -o FILE")
    return None


@contextmanager
def _appending(store: "LineStore | None") -> "Iterator[Callable[[Trace], None]]":
    """Yield what writes a trace as a line, to the file or to stdout."""
    if store is not None:
        with store.appending() as append:
            yield append
        return
    from ..traces.trace_file import trace_line

    with stdout() as stream:

        def write(trace: "Trace") -> None:
            stream.write(trace_line(trace))
            stream.flush()

        yield write


def _collect_garbage() -> None:
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
