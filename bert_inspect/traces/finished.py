"""What the finished lines of a run over many sentences say, held against the run that is to continue it: nothing of two
inputs, two models or two ways to trace them may stand in one output.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import structs

from ..errors import TraceFileError, UsageError
from .record import FORMAT, Step, TensorOut, Trace
from .trace_file import decode_trace
from .values import NON_FINITE

MORE = "repeat the input, the model and the options of the run that began it, or name another output"
_APART = {"float64": 1e-9, "float16": 0.02, "bfloat16": 0.1}
"""How far the answers of two machines may lie apart, by the dtype that they were computed in; of float32 `_FLOAT32`."""
_FLOAT32 = 1e-3


class _Input(msgspec.Struct):
    texts: list[str]
    lines: list[int]
    truncated: list[int]
    attention_mask: list[list[int]]


class FinishedLine(msgspec.Struct):
    """What is read of each line; the rest is skipped."""

    format: str
    environment: msgspec.Raw
    model: msgspec.Raw
    input: _Input
    selection: msgspec.Raw = msgspec.Raw(b"{}")


def finished_line(line: bytes, *, name: str) -> FinishedLine:
    """Return what a line says that a run over many sentences wrote; ``name`` is how errors call it.

    Raises:
        TraceFileError: it is not a trace of numbered sentences.
    """
    try:
        found = msgspec.json.decode(line, type=FinishedLine)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise not_ours(name) from error
    columns = (found.input.lines, found.input.truncated, found.input.attention_mask)
    if found.format != FORMAT or any(len(column) != len(found.input.texts) for column in columns):
        raise not_ours(name)
    return found


def not_ours(name: str) -> TraceFileError:
    """Return the error that a line, ``name``, is not one that a run over many sentences wrote."""
    return TraceFileError(f"{name} is not a trace of numbered sentences", "name another output")


@dataclass(kw_only=True)
class Finished:
    """What the finished lines of an output say together.

    ``first`` is the first of them, ``sentences`` a hash of each sentence by its line in the input. ``batch`` is the
    most sentences of a line; ``longest`` is how many tokens the longest sentence has, and its line in the input;
    ``cut`` names, for each length to which sentences were cut, the line of one of them.
    """

    path: str = ""
    first: bytes = b""
    count: int = 0
    sentences: dict[int, int] = field(default_factory=dict)
    batch: int = 0
    longest: tuple[int, int] = (0, 0)
    cut: dict[int, int] = field(default_factory=dict)

    def add(self, line: FinishedLine, text: bytes, *, number: int) -> None:
        """Take a line in, ``number`` of the output.

        Raises:
            TraceFileError: it is of another run than the first, or holds a sentence that another line holds too.
        """
        if not self.first:
            self.first, self._run = text, _run(line)
        elif _run(line) != self._run:
            raise TraceFileError(f"lines 1 and {number} of {self.path} are of two runs", "name another output")
        if twice := self.sentences.keys() & set(line.input.lines):
            raise TraceFileError(
                f"line {number} of {self.path} holds sentence {min(twice)} a second time", "name another output"
            )
        self.count += 1
        self.sentences.update(zip(line.input.lines, map(hash, line.input.texts), strict=True))
        self.batch = max(self.batch, len(line.input.lines))
        for place, mask, cut in zip(line.input.lines, line.input.attention_mask, line.input.truncated, strict=True):
            tokens = sum(map(bool, mask))
            self.longest = max(self.longest, (tokens, place))
            if cut:
                self.cut.setdefault(tokens, place)

    def check_sentences(self, lines: Iterable[tuple[int, str]], file: str) -> int:
        """Return how many sentences an input has; ``lines`` are their places in it, and they themselves.

        Raises:
            UsageError: the input is not the one that was traced: a finished sentence reads otherwise there, or is gone.
        """
        count = known = 0
        for number, text in lines:
            count += 1
            if number in self.sentences:
                known += 1
                if self.sentences[number] != hash(text):
                    raise self._differs(f"line {number} of {file} is another sentence than the one that was traced")
        if known < len(self.sentences):
            gone = len(self.sentences) - known
            raise self._differs(f"{file} lacks {gone} of the {len(self.sentences)} sentences that were traced")
        return count

    def check_batches(self, *, size: int, limit: int | None, truncate: bool) -> None:
        """Hold the size of a batch, and the length to which sentences are cut, against what the lines show of it.

        Raises:
            UsageError: the lines were made with others.
        """
        # A run's batches are full, but for one of each window and where all sentences make less than one.
        if self.batch > size or (self.batch < size and self.count > 1):
            raise self._differs(f"its batches have {self.batch} sentences, those of this run {size}")
        tokens, number = self.longest
        if limit is not None and tokens > limit:
            raise self._differs(f"sentence {number} has {tokens} tokens there, the limit is now {limit}")
        for tokens, number in self.cut.items():
            if not truncate:
                raise self._differs(f"sentence {number} was cut there, and this run does not cut")
            if tokens != limit:
                raise self._differs(f"sentence {number} was cut to {tokens} tokens there, the limit is now {limit}")

    def earlier(self) -> Trace:
        """Return the trace of the first line.

        Raises:
            TraceFileError: it is damaged.
        """
        return decode_trace(self.first, name=f"line 1 of {self.path}")

    def check_again(self, earlier: Trace, again: Trace) -> None:
        """Hold the first line against what this run makes of the very same sentences.

        Raises:
            UsageError: it is another trace: of another model, selection or release, or with something else kept.
        """
        for what, mine, theirs in _told(earlier, again):
            if mine != theirs:
                raise self._differs(f"{what}: {_short(mine)} there, {_short(theirs)} in this run")
        if not _near(earlier, again):
            raise self._differs(
                f"the model that is now called {again.model.name} answers otherwise: its weights are not those that "
                "were traced"
            )

    def _differs(self, why: str) -> UsageError:
        return UsageError(f"{self.path} cannot be continued: {why}", MORE)


def _run(line: FinishedLine) -> bytes:
    """Return what all lines of a run have in common."""
    return b"\n".join(bytes(part) for part in (line.environment, line.model, line.selection))


def _told(earlier: Trace, again: Trace) -> Iterator[tuple[str, Any, Any]]:
    """Yield what two traces of the same sentences say, the likeliest to differ first: its name, and both sides."""
    yield "model", earlier.model.name, again.model.name
    yield from _fields("", structs.asdict(earlier.model), structs.asdict(again.model), ("config", "sizes"))
    mine, theirs = earlier.selection, again.selection
    yield from ((name, mine.get(name, "all"), theirs.get(name, "all")) for name in ("layer", "module", "level"))
    yield from _fields("", _kept(earlier), _kept(again))
    yield from _fields("config ", earlier.model.config, again.model.config)
    yield from _fields("version of ", structs.asdict(earlier.environment), structs.asdict(again.environment))
    yield "tokens", _tokens(earlier), _tokens(again)
    yield "number of steps", len(earlier.steps), len(again.steps)
    yield "failed", earlier.failure is not None, again.failure is not None
    for one, other in zip(earlier.steps, again.steps, strict=True):
        if (bare := _bare(one)) != (bare_other := _bare(other)):
            yield f"step {one.id}", bare, bare_other


def _fields(
    prefix: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], without: tuple[str, ...] = ()
) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys((*mine, *theirs)):
        if key not in without:
            yield prefix + key.removesuffix("_"), mine.get(key), theirs.get(key)


def _kept(trace: Trace) -> dict[str, str]:
    """Return what is kept of a trace's tensors and steps, in words."""
    outputs = [output for step in trace.steps for output in step.outputs]
    kept = {
        "statistics": any(output.stats is not None for output in outputs),
        "values": any(output.values is not None for output in outputs),
        "seconds": any(step.seconds is not None for step in trace.steps),
        "proof": trace.proof is not None,
    }
    return {name: "kept" if is_kept else "not kept" for name, is_kept in kept.items()}


def _bare(step: Step) -> Step:
    """Return a step without numbers, which differ from machine to machine, and without the time that it took."""
    return structs.replace(step, outputs=[_without_numbers(output) for output in step.outputs], seconds=None)


def _without_numbers(output: TensorOut) -> TensorOut:
    return structs.replace(output, stats=None, values=None)


def _tokens(trace: Trace) -> str:
    """Return the tokens of the sentences, the ones that are cut among them."""
    return " ".join(token for row in trace.input.tokens for token in row) + f", cut: {trace.input.truncated}"


def _near(earlier: Trace, again: Trace) -> bool:
    """Whether two runs answer the same but for the rounding of two machines."""
    mine, theirs = (_numbers(msgspec.to_builtins(trace.output)) for trace in (earlier, again))
    apart = _APART.get(again.model.dtype, _FLOAT32)
    return len(mine) == len(theirs) and all(
        one == other or abs(one - other) <= apart * max(1.0, abs(one), abs(other))
        for one, other in zip(mine, theirs, strict=True)
        if one == one or other == other
    )


def _numbers(output: Any) -> list[float]:
    """Return all numbers of what a model answered."""
    if isinstance(output, list):
        return [number for part in output for number in _numbers(part)]
    if isinstance(output, dict):
        return [number for part in output.values() for number in _numbers(part)]
    return [float(output)] if isinstance(output, int | float) or output in NON_FINITE else []


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
