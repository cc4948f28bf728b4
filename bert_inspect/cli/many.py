"""``run --input FILE``: many sentences, traced in batches into JSON Lines, one trace a line."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import BertInspectError, ExitCode, TraceFileError, UsageError
from ..terminal import Terminal, report, stdout
from .inputs import ModelChoice

if TYPE_CHECKING:
    from ..capture.keep import Keep
    from ..traces.selection import Selection


def run_many(
    input_file: str,
    *,
    output: str | None,
    resume: bool,
    batch_size: int,
    choice: ModelChoice,
    selection: "Selection",
    keep: "Keep",
    verify: bool,
    max_length: int | None,
    truncate: bool,
    terminal: Terminal,
) -> int:
    """Trace every sentence of a file and write each batch's trace as a line, as it comes.

    Raises:
        UsageError: the file cannot be read, or the output is there already and was not to be gone on with.
    """
    from ..capture.sentence_file import read_lines

    done = _done(output, resume=resume)
    lines = sum(1 for _ in read_lines(input_file))  # a look through the whole file, before anything slow starts
    if not lines:
        raise UsageError(f"there is no sentence in {input_file}", "write one a line; blank lines do not count")
    checkpoint = choice.locate(terminal)
    selection.check_layers(checkpoint.layers)

    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=terminal.say)
    limit = token_limit(tokenizer, checkpoint.positions, max_length)
    with terminal.waiting("loading torch and the model"):
        from ..capture.batches import batches, trace_batch
        from ..traces.trace_file import trace_line

        loaded = choice.load(checkpoint, terminal)
    failed = unproved = cut = 0
    # What the imports made stays; what thousands of batches make is collected, as they are many and this may run long.
    gc.freeze()
    gc.enable()
    with _lines_to(output, resume=resume) as stream, terminal.progress(lines, done=len(done)) as advance:
        for batch in batches(read_lines(input_file), tokenizer, size=batch_size):
            rest = [line for line in batch if line.number not in done]
            if not rest:
                continue
            trace = trace_batch(
                loaded,
                tokenizer,
                rest,
                limit=limit,
                truncate=truncate,
                selection=selection,
                keep=keep,
                verify=verify,
            )
            failed += trace.failure is not None
            unproved += trace.proof is not None and not trace.proof.passed
            cut += sum(1 for tokens in trace.input.truncated if tokens)
            stream.write(trace_line(trace))
            stream.flush()
            advance(len(rest))
    if cut:
        terminal.say(f"sentences cut to keep to {limit} tokens: {cut}; 'truncated' in their lines says by how many")
    if failed:
        report(BertInspectError(f"the forward failed for {failed} batches", "'failure' in their lines says why"))
    if unproved:
        report(BertInspectError(f"the proof failed for {unproved} batches", "'proof' in their lines says where"))
    return ExitCode.NO if failed or unproved else ExitCode.OK


def _done(output: str | None, *, resume: bool) -> set[int]:
    """Return which lines of the input an earlier run has traced, and cut off a line that it left unfinished.

    Raises:
        UsageError: there is an earlier output and ``--resume`` was not given, or it is no output of this command.
    """
    if output is None or output == "-":
        if resume:
            raise UsageError("--resume needs the file that an earlier run wrote", "name it with -o FILE")
        return set()
    path = Path(output)
    try:
        if not path.exists() or path.stat().st_size == 0 or not path.is_file():
            return set()
        if not resume:
            raise UsageError(f"{output} is there already", "--resume goes on with it; else remove it or name another")
        from ..traces.trace_file import traced_lines

        done: set[int] = set()
        whole = 0
        with path.open("rb") as stream:
            for number, line in enumerate(_trace_lines(stream, output), start=1):
                done.update(traced_lines(line, name=f"line {number} of {output}"))
                whole += len(line)
        os.truncate(path, whole)
        return done
    except OSError as error:
        raise UsageError(f"cannot go on with {output}: {error.strerror}", "name another file") from error


def _trace_lines(stream: BinaryIO, output: str) -> Iterator[bytes]:
    """Yield the whole lines of an earlier run's output. Its last line may be torn, but it is the beginning of a trace:
    a file that is something else is neither read to its end nor cut.

    Raises:
        TraceFileError: a line is no trace.
    """
    from ..traces.limits import MOST_BYTES
    from ..traces.trace_file import LINE_BEGINS

    number = 1
    while begins := stream.read(len(LINE_BEGINS)):
        if begins != LINE_BEGINS[: len(begins)]:
            raise TraceFileError(f"line {number} of {output} is no trace that run --input wrote", "name another output")
        line = begins + stream.readline(MOST_BYTES)
        if not line.endswith(b"\n"):
            break
        yield line
        number += 1


@contextmanager
def _lines_to(output: str | None, *, resume: bool) -> Iterator[BinaryIO]:
    """Open the output for whole lines: whatever happens, none is left half written."""
    if output is None or output == "-":
        with stdout() as out:
            yield out
        return
    try:
        with open(output, "ab" if resume else "wb", buffering=0) as raw:  # noqa: PTH123
            stream = _WholeLines(raw)
            try:
                yield stream  # type: ignore[misc]
            finally:
                with suppress(OSError):
                    raw.truncate(stream.end)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}", "name another file") from error


class _WholeLines:
    """A file that knows where its last whole line ends."""

    def __init__(self, raw: "BinaryIO") -> None:
        self._raw = raw
        self.end = raw.seek(0, os.SEEK_END) if raw.seekable() else 0

    def write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._raw.write(rest) :]
        self.end += len(line)

    def flush(self) -> None:
        """Nothing is held back."""
