"""A file of sentences traced by the workers of a Ray cluster. The parts that they write are joined in the order of the
windows, each as soon as all before it are, and removed: the output grows as that of one process does.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...capture.tally import Tally
from ...errors import TraceFileError, UsageError
from ...traces.finished import MORE
from ...traces.line_store import Lines
from ...workers.engine import Cluster, at_home, workers_of
from ...workers.folder import check_there, remove
from .job import Job
from .part import PATTERN, Part, part_name
from .worker import TraceWorker


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The parts that an earlier run has left, by their windows, and the files that should be parts and are damaged."""

    parts: Mapping[int, Part]
    damaged: Sequence[str]

    @property
    def sentences(self) -> int:
        """How many sentences the parts have."""
        return sum(part.seal.sentences for part in self.parts.values())


def windows_left(job: Job, done: Collection[int]) -> tuple[list[int], Job]:
    """Return the windows of which an output, that holds the traces of some lines, lacks any; and the job with what it
    holds of them.
    """
    if not done:
        return [*range(job.found.blocks)], job
    left: list[int] = []
    held: dict[int, frozenset[int]] = {}
    for window, lines in job.windows(range(job.found.blocks)):
        there = frozenset(line.number for line in lines if line.number in done)
        if len(there) < len(lines):
            left.append(window)
            held |= {window: there} if there else {}
    return left, replace(job, held=held)


def kept_parts(cluster: Cluster, job: Job, left: Iterable[int]) -> Kept:
    """Return what an earlier run has left of the windows that are not in the output.

    Raises:
        UsageError: a part is of another input, or was made with other options.
    """
    parts, damaged = {}, []
    for window in left:
        path = str(Path(cluster.folder) / part_name(window))
        try:
            part = Part.read(path)
        except FileNotFoundError:
            continue
        except TraceFileError:
            damaged.append(path)
            continue
        _check_continues(part, job, window)
        if _holds_the_rest(part, job, window):
            parts[window] = part
    return Kept(parts=parts, damaged=damaged)


def trace_on_ray(
    job: Job,
    cluster: Cluster,
    lines: Lines,
    left: Sequence[int],
    kept: Kept,
    *,
    advance: Callable[[int], None],
    notice: Callable[[str], None],
) -> Tally:
    """Add the traces of some windows to the output: those of the parts that are kept, and what the workers make of the
    others. Return what is to be told of them.

    Raises:
        UsageError: a sentence is too long, the file is not the same everywhere, or there is no such cluster; or the
            output cannot be written.
        ModelError: a worker cannot load the model.
        BertInspectError: Ray gives up.
    """
    if lines.finished.count:
        job = replace(job, earlier=lines.finished.path)
    elif kept.parts:
        job = replace(job, earlier=next(iter(kept.parts.values())).path)
    joined = _Joined(job, cluster, lines, left, ready=set(kept.parts))
    joined.go_on()
    wanted = {part_name(window): window for window in left if window not in kept.parts}
    if wanted:
        tasks = [range(window, window + 1) for window in wanted.values()]
        with workers_of(cluster, threads=job.threads, device=job.spec.device) as workers:
            given = (job.at_home(), at_home(cluster.folder))
            for done in workers.done(TraceWorker, given, tasks, notice=notice):
                joined.ready.add(wanted[done.part])
                joined.go_on()
                advance(done.sentences)
    remove(cluster.folder, pattern=PATTERN)
    return joined.tally


@dataclass
class _Joined:
    """The output, to which the parts are added in order: ``place`` of the windows in ``left`` are, and which of the
    others are ``ready``.
    """

    job: Job
    cluster: Cluster
    lines: Lines
    left: Sequence[int]
    ready: set[int]
    place: int = 0
    tally: Tally = field(default_factory=Tally)

    def go_on(self) -> None:
        """Add the parts that follow, as far as they are ready.

        Raises:
            UsageError: one is not on this machine or is of another run, or the output cannot be written.
            TraceFileError: one is damaged.
        """
        while self.place < len(self.left) and self.left[self.place] in self.ready:
            window = self.left[self.place]
            path = str(Path(self.cluster.folder) / part_name(window))
            check_there([path], self.cluster.folder)
            part = Part.read(path)
            _check_continues(part, self.job, window)
            if not _holds_the_rest(part, self.job, window):
                raise UsageError(f"another run has written {path}", "let that end, and go on with `resume=True`")
            for line in part.lines():
                self.lines.add_line(line)
            self.tally.merge(part.seal.tally)
            self.place += 1
            if path != self.job.earlier:  # which workers that start late look at
                Path(path).unlink(missing_ok=True)


def _holds_the_rest(part: Part, job: Job, window: int) -> bool:
    """Whether a part holds what the output lacks of a window, and nothing else."""
    return sorted(part.seal.held) == sorted(job.held.get(window, ()))


def _check_continues(part: Part, job: Job, window: int) -> None:
    """Refuse a part that is not of this run.

    Raises:
        UsageError: names the first thing that differs.
    """
    theirs = part.seal.options
    differ = (
        f"{name}: {theirs.get(name)} there, {mine} in this run"
        for name, mine in job.options.items()
        if theirs.get(name) != mine
    )
    why = next(differ, None)
    if why is None and part.seal.digest != job.found.digests[window]:
        why = "its sentences read otherwise now"
    if why is not None:
        raise UsageError(f"{part.path} cannot be continued: {why}", MORE)
