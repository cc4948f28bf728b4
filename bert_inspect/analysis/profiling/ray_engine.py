"""A profile made by the workers of a Ray cluster: this process adds it up from the parts that they wrote."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ...loading.threads import threads_for
from ...profiles.total import Total
from ...workers.engine import Cluster, at_home, spec_at_home, workers_of
from ...workers.folder import check_there
from .job import Job
from .parts import Parts, files_in, merged, part_name, tasks
from .worker import ProfileWorker


def with_threads(job: Job) -> Job:
    """Return the job with as many threads for each worker as this process has: they round as it would."""
    return replace(job, threads=threads_for(job.threads))


def profile_on_ray(
    job: Job,
    cluster: Cluster,
    parts: Parts,
    *,
    advance: Callable[[int], None],
    notice: Callable[[str], None],
) -> Total:
    """Profile what the parts that are there do not hold, and return the totals of all parts.

    Raises:
        UsageError: a sentence is too long, a file is not the same everywhere, or there is no such cluster.
        ModelError: a worker cannot load the model.
        BertInspectError: Ray gives up.
    """
    left = [block for block in range(job.found.blocks) if block not in parts.done]
    files = [*parts.files]
    if left:
        with workers_of(cluster, threads=job.threads or 1, device=job.spec.device) as workers:
            wanted = tasks(left, workers=workers.count)
            given = (_at_home(job), at_home(cluster.folder), parts.frame)
            for done in workers.done(ProfileWorker, given, wanted, notice=notice):
                advance(done.sentences)
        files += [str(Path(cluster.folder) / part_name(blocks)) for blocks in wanted]
        check_there(files, cluster.folder)
    return merged(files)


def _at_home(job: Job) -> Job:
    """Return the job with paths that hold whatever folder a worker starts in."""
    corpus = [replace(source, path=at_home(source.path)) for source in job.corpus]
    return replace(job, corpus=corpus, spec=spec_at_home(job.spec))


def earlier_parts(cluster: Cluster, job: Job, *, others: list[str]) -> Parts:
    """Return the parts that an earlier run has left, and among ``others`` the profiles that it began otherwise.

    Raises:
        UsageError: they are not of this run.
    """
    parts = Parts.found([*others, *files_in(cluster.folder)], job.found)
    if parts.frame is not None:
        job.check_continues(parts.frame, parts.files[0])
    return parts
