"""The run of ``profile``: what is asked for, checked before anything slow starts; and where the profile goes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..files import held, replacing
from ..terminal import Terminal
from .deliver import deliver
from .engine_options import check_engine, check_shards_beside
from .many import collect_garbage
from .options import OutputOptions
from .outfile import check_output, is_plain
from .prepare import find
from .profile_options import CorpusOptions, MachineOptions

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..analysis.profiling.job import Job
    from ..corpus.blocks import Survey
    from ..corpus.files import Source
    from ..loading.checkpoint import Checkpoint
    from ..loading.spec import ModelSpec
    from ..profiles.record import Profile
    from ..profiles.total import Total
    from ..traces.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a command line asks for."""

    corpus: CorpusOptions
    spec: "ModelSpec"
    selection: "Selection"
    examples: int
    machines: MachineOptions


def profiled(asked: Asked, out: OutputOptions, terminal: Terminal) -> "Profile":
    """Profile a corpus, or the shard of it that is asked for; write the profile if it has a file.

    Raises:
        UsageError: unusable options or sentences, or there is an output already and ``--resume`` was not given.
        ModelError: the model cannot be loaded.
        TraceFileError: what an earlier run has left is damaged.
    """
    from ..analysis.profiling.shard import BATCHES_PER_BLOCK, Shard
    from ..corpus.blocks import survey
    from ..corpus.files import sources

    machines, corpus = asked.machines, asked.corpus
    shard = Shard() if machines.shard is None else Shard.parse(machines.shard)
    _check_together(machines, out)
    check_engine(machines)
    files = sources(corpus.files or ())
    check_output(out.file, others=[source.path for source in files])
    with _held(out.file, machines=machines, terminal=terminal):
        with terminal.waiting("reading the corpus"):
            found = survey(files, size=BATCHES_PER_BLOCK * corpus.batch_size)
        checkpoint = find(asked.spec, terminal)
        asked.selection.check_layers(checkpoint.layers)
        if checkpoint.weights == "random":
            terminal.say("the weights are random: this profile describes an untrained model")
        work = _Work(asked, files, found, checkpoint, shard.of(found.blocks), out.file, terminal)
        return work.on_ray() if machines.engine == "ray" else work.here()


def deliver_profile(found: "Profile", terminal: Terminal, out: OutputOptions) -> None:
    """Deliver a profile.

    Raises:
        UsageError: the file cannot be written.
    """
    from ..profiles.profile_file import profile_json

    def picture() -> "RenderableType":
        from ..render.profiles.page import profile_page
        from ..render.profiles.view import View

        return profile_page(found, View())

    def summary() -> "RenderableType":
        from ..render.profiles.page import profile_summary

        return profile_summary(found)

    deliver(terminal, out, json=lambda: [profile_json(found)], picture=picture, summary=summary)


@dataclass(frozen=True)
class _Work:
    """What is to be done, once all of it is known."""

    asked: Asked
    files: "Sequence[Source]"
    found: "Survey"
    checkpoint: "Checkpoint"
    wanted: range
    output: str | None
    terminal: Terminal

    def job(self) -> "Job":
        from ..analysis.profiling.job import Job

        corpus, machines = self.asked.corpus, self.asked.machines
        return Job(
            spec=self.asked.spec,
            corpus=self.files,
            found=self.found,
            selection=self.asked.selection,
            batch_size=corpus.batch_size,
            batch_tokens=corpus.batch_tokens,
            max_length=corpus.max_length,
            truncate=corpus.truncate,
            examples=self.asked.examples,
            threads=machines.threads,
        )

    def here(self) -> "Profile":
        """Do it in this process."""
        terminal = self.terminal
        with terminal.waiting("loading torch and the model"):
            from ..analysis.profiling.local import profile_blocks

            profiler, total = self.job().ready(self.checkpoint, terminal.say)
        total = self._with_earlier(total)
        done = total.coverage.sentences
        left = sum(self.found.sentences_in(block) for block in self.wanted) - done
        if not left and self.output is not None and Path(self.output).is_file():
            terminal.say(f"nothing is left to do: {self.output} is whole")
            return self._finished(total, write=False)
        collect_garbage()
        with terminal.progress(done + left, done=done) as advance:
            profile_blocks(
                profiler,
                total,
                self.files,
                self.found,
                wanted=self.wanted,
                advance=advance,
                save=None if self._to_stay is None else self._save,
            )
        return self._finished(total)

    def on_ray(self) -> "Profile":
        """Have it done by the workers of a Ray cluster."""
        terminal, output = self.terminal, self.output
        assert output is not None, "--engine ray has an output"
        from ..analysis.profiling.earlier import unfinished_beside
        from ..analysis.profiling.parts import PATTERN
        from ..workers.engine import Cluster
        from ..workers.folder import remove, shards_beside

        with terminal.waiting("loading torch"):
            from ..analysis.profiling.ray_engine import earlier_parts, profile_on_ray, with_threads
        job = with_threads(self.job())
        cluster = Cluster(folder=shards_beside(output), address=self.asked.machines.address, verbose=terminal.verbose)
        begun = [file for file in (output, unfinished_beside(output)) if Path(file).is_file()]
        parts = earlier_parts(cluster, job, others=begun)
        for file in parts.damaged:
            terminal.say(f"{file} is damaged: what it should hold is profiled again")
        if parts.files == [output] and len(parts.done) == self.found.blocks:
            terminal.say(f"nothing is left to do: {output} is whole")
        shown = not terminal.verbose  # then Ray shows its own
        with terminal.progress(self.found.sentences, done=parts.sentences, shown=shown) as advance:
            total = profile_on_ray(job, cluster, parts, advance=advance, notice=terminal.say)
        profile = self._finished(total, write=parts.files != [output])
        remove(cluster.folder, pattern=PATTERN)
        return profile

    @property
    def _to_stay(self) -> str | None:
        """The output, if it is a plain file, beside which something can be kept meanwhile."""
        return self.output if self.output is not None and is_plain(self.output) else None

    def _with_earlier(self, total: "Total") -> "Total":
        from ..analysis.profiling.earlier import continued, left_of

        left = None if self._to_stay is None else left_of(self._to_stay)
        return total if left is None else continued(left, total.frame, self.found, self.wanted)

    def _save(self, total: "Total") -> None:
        from ..analysis.profiling.earlier import unfinished_beside
        from ..profiles.profile_file import profile_json

        assert self.output is not None, "what is unfinished is kept beside an output"
        with replacing(unfinished_beside(self.output)) as stream:
            stream.write(profile_json(total.record()))

    def _finished(self, total: "Total", *, write: bool = True) -> "Profile":
        """Write the whole profile, and remove the unfinished one."""
        from ..analysis.profiling.earlier import unfinished_beside
        from ..profiles.profile_file import profile_json

        profile = total.record()
        if self.output is not None:
            if write:
                self.terminal.save(self.output, [profile_json(profile)])
            with suppress(OSError):
                Path(unfinished_beside(self.output)).unlink()
        if profile.input.cut:
            cut, most = _count(profile.input.cut, "sentence"), profile.input.max_length
            self.terminal.say(f"{cut} cut to keep to {most} tokens")
        return profile


def _check_together(machines: MachineOptions, out: OutputOptions) -> None:
    if machines.shard is not None and machines.engine == "ray":
        raise UsageError("--engine ray shares the corpus out itself", "leave --shard out")
    check_shards_beside(machines, out.file, what="profile")
    if machines.resume and (out.file is None or not is_plain(out.file)):
        raise UsageError("--resume needs the file that an earlier run was to write", "name it with -o FILE")


@contextmanager
def _held(output: str | None, *, machines: MachineOptions, terminal: Terminal) -> "Iterator[None]":
    """Keep other runs from writing the same output, and refuse to write over what is there.

    Raises:
        UsageError: there is something, and it is not to be continued; or another run is writing.
    """
    if output is None or not is_plain(output):
        yield
        return
    resume, ray = machines.resume, machines.engine == "ray"
    with held(output) as locked:
        from ..analysis.profiling.earlier import left_of
        from ..workers.folder import shards_beside

        left = left_of(output)
        if left is None and Path(shards_beside(output)).exists() and not (resume and ray):
            left = shards_beside(output)
            if resume:
                raise UsageError(f"{left} is there: a run with --engine ray began it", "add --engine ray")
        if left is not None and not resume:
            raise UsageError(f"{left} is there already", "--resume continues it; else remove it or name another")
        if not locked:
            terminal.say(f"the file system of {output} has no locks: let no other run write to it meanwhile")
        yield


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
