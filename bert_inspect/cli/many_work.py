"""The work of a run over many sentences: done in this process, or by the workers of a cluster."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..terminal import Terminal, stdout
from .engine_options import EngineOptions
from .many_told import batches, sentences
from .prepare import load

if TYPE_CHECKING:
    from ..capture.tally import Tally
    from ..loading.checkpoint import Checkpoint
    from ..loading.loaded import Loaded
    from ..loading.spec import ModelSpec
    from ..traces.line_store import Lines


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done.

    Attributes:
        file: the sentences, one a line; ``count`` says how many.
        batch_size: the sentences of a batch.
        spec: the model, with its ``checkpoint`` and ``tokenizer``.
        how: how a batch is traced, as `trace_batch` takes it.
        engine: who does it.
        output: the file for the traces; None for stdout.
    """

    file: str
    count: int
    batch_size: int
    spec: "ModelSpec"
    checkpoint: "Checkpoint"
    tokenizer: Any
    how: dict[str, Any]
    engine: EngineOptions
    output: str | None
    terminal: Terminal

    def _loaded(self) -> "Loaded":
        """Load the model.

        Raises:
            ModelError: it cannot be loaded.
        """
        with self.terminal.waiting("loading torch and the model"):
            from ..loading.threads import use_threads

            use_threads(self.engine.threads)
            return load(self.checkpoint, self.spec, self.terminal, tokenizer=self.tokenizer)

    def nothing(self, lines: "Lines") -> None:
        """Say that nothing is left to do, where the output is whole and of this run.

        Raises:
            UsageError: it is of another run.
        """
        from ..analysis.trace_shards.part import PATTERN
        from ..workers.folder import remove, shards_beside

        self._check_again(lines, self._loaded())
        if self.output is not None and self.engine.engine == "ray":  # it may have ended before the folder was removed
            remove(shards_beside(self.output), pattern=PATTERN)
        where = f"{sentences(self.count)} of {self.file} traced already, in {self.output}"
        self.terminal.say(f"nothing is left to do: {where}")

    def _check_again(self, lines: "Lines", loaded: "Loaded") -> None:
        """Hold what the output holds already against what this run makes of the same sentences.

        Raises:
            UsageError: it is not the same.
        """
        from ..capture.batches import trace_again

        earlier = lines.finished.earlier()
        lines.finished.check_again(earlier, trace_again(loaded, self.tokenizer, earlier, **self.how))

    def here(self, lines: "Lines") -> "Tally":
        """Trace in this process what the output does not hold yet.

        Raises:
            UsageError: a sentence is too long, or the output cannot be written or is of another run.
        """
        loaded, done = self._loaded(), lines.finished.sentences
        from ..capture.batches import batches as batches_of
        from ..capture.batches import trace_batch
        from ..capture.tally import Tally
        from ..corpus.sentence_file import read_lines

        if done:
            self._check_again(lines, loaded)
        tally, ended = Tally(), False
        to_stdout = stdout() if self.output is None else nullcontext()
        with to_stdout, self.terminal.progress(self.count, done=len(done)) as advance:
            for batch in batches_of(read_lines(self.file), self.tokenizer, size=self.batch_size):
                if rest := [line for line in batch if line.number not in done]:
                    trace = trace_batch(loaded, self.tokenizer, rest, **self.how)
                    tally.add(trace, self.tokenizer)
                    lines.add(trace)
                    advance(len(rest))
            ended = True
        if ended:  # a reader of stdout that leaves ends it before
            self._say_done(lines, tally)
        return tally

    def on_ray(self, lines: "Lines") -> "Tally":
        """Have the workers of a Ray cluster trace what the output does not hold yet.

        Raises:
            UsageError: a sentence is too long, there is no such cluster, or what is there already is of another run.
            ModelError: a worker cannot load the model.
        """
        terminal, done = self.terminal, lines.finished.sentences
        assert self.output is not None, "--engine ray has an output"
        from ..workers.folder import shards_beside

        with terminal.waiting("loading torch"):
            from ..analysis.trace_shards.job import Job, windows_of
            from ..analysis.trace_shards.on_ray import kept_parts, trace_on_ray, windows_left
            from ..loading.threads import threads_for
            from ..workers.engine import Cluster
        job = Job(
            spec=self.spec,
            file=self.file,
            batch_size=self.batch_size,
            threads=threads_for(self.engine.threads),
            found=windows_of(self.file, batch_size=self.batch_size),
            **self.how,
        )
        cluster = Cluster(folder=shards_beside(self.output), address=self.engine.address, verbose=terminal.verbose)
        left, job = windows_left(job, done)
        kept = kept_parts(cluster, job, left)
        for file in kept.damaged:
            terminal.say(f"{file} is damaged: what it should hold is traced again")
        shown = not terminal.verbose  # then Ray shows its own
        with terminal.progress(self.count, done=len(done) + kept.sentences, shown=shown) as advance:
            tally = trace_on_ray(job, cluster, lines, left, kept, advance=advance, notice=terminal.say)
        self._say_done(lines, tally)
        return tally

    def _say_done(self, lines: "Lines", tally: "Tally") -> None:
        where = f", written to {self.output}" if self.output is not None else ""
        left = self.count - len(lines.finished.sentences)
        self.terminal.say(f"{sentences(left)} traced in {batches(tally.batches)}{where}")
