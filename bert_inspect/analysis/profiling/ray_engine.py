"""The engine of many machines: Ray Data, whose actors hold the model once each and are given runs of blocks.

Each worker reads its blocks from the files and writes its part beside the output, so both have to lie where every
machine of the cluster sees them under the same path. The profile is added up from these parts alone, in this process.
Ray starts a worker that is lost anew and gives its task to another.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import torch

from ... import errors
from ...errors import BertInspectError, UsageError
from ...profiles.total import Total
from .job import Job
from .parts import Parts, files_in, make_folder, merged, part_name, tasks
from .ray_cluster import connected
from .worker import Done, Worker


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where a profile is made.

    Attributes:
        folder: for the parts.
        address: of a cluster that runs; None starts one on this machine, for as long as it is needed.
        verbose: whether Ray's own messages are shown, on stderr.
    """

    folder: str
    address: str | None
    verbose: bool = False


def with_threads(job: Job) -> Job:
    """Return the job with as many threads for each worker as this process has: they round as it would."""
    return job if job.threads is not None else replace(job, threads=torch.get_num_threads())


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
        make_folder(cluster.folder)
        with _not_left_empty(cluster.folder), connected(cluster.address, verbose=cluster.verbose) as ray:
            size = _Size.of(ray, job)
            wanted = tasks(left, workers=size.workers)
            told: set[str] = set()
            for done in _results(ray, _at_home(job), cluster, parts, wanted, size):
                if done.error is not None:
                    kind, message, hint = done.error
                    raise getattr(errors, kind, BertInspectError)(message, hint)
                for text in done.notices:
                    if text not in told:
                        notice(text)
                        told.add(text)
                advance(done.sentences)
        files += [str(Path(cluster.folder) / part_name(blocks)) for blocks in wanted]
        _check_there(files, cluster.folder)
    return merged(files)


@contextmanager
def _not_left_empty(folder: str) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):  # there is something in it
            Path(folder).rmdir()


def _at_home(job: Job) -> Job:
    """Return the job with paths that hold whatever folder a worker starts in."""
    corpus = [replace(source, path=os.path.abspath(source.path)) for source in job.corpus]  # noqa: PTH100 - no links
    name = os.path.abspath(job.spec.name) if Path(job.spec.name).is_dir() else job.spec.name  # noqa: PTH100
    return replace(job, corpus=corpus, spec=replace(job.spec, name=name))


def _results(ray: Any, job: Job, cluster: Cluster, parts: Parts, wanted: list[range], size: "_Size") -> Iterator[Done]:
    """Yield what the workers answer, as it comes."""
    from ray.data import ActorPoolStrategy

    items = [{"start": blocks.start, "stop": blocks.stop} for blocks in wanted]
    answers = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        Worker,
        fn_constructor_args=(job, os.path.abspath(cluster.folder), parts.frame),  # noqa: PTH100
        batch_size=1,
        compute=ActorPoolStrategy(size=min(size.workers, len(items)), max_tasks_in_flight_per_actor=1),
        num_cpus=size.cpus,
        num_gpus=size.gpus,
    )
    try:
        for row in answers.iter_rows():
            yield msgspec.json.decode(row["done"], type=Done)
    except ray.exceptions.RayError as error:
        why = str(error).strip().splitlines()[-1:]
        raise BertInspectError(
            f"Ray gave up: {type(error).__name__}: {' '.join(why)}", "`resume=True` keeps what is finished"
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Size:
    """How many workers there are, and what each of them takes of the cluster."""

    workers: int
    cpus: int
    gpus: int

    @classmethod
    def of(cls, ray: Any, job: Job) -> "_Size":
        """Return what fits: a worker has a processor for each of its threads, as far as a machine has so many.

        Raises:
            UsageError: the model is to run on GPUs, and there are none.
        """
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = 1 if job.spec.device.startswith("cuda") else 0
        if gpus:
            machines = [each for each in machines if each.get("GPU", 0) >= 1]
            if not machines:
                raise UsageError("no machine of the Ray cluster has a GPU", 'leave `device="cuda"` out')
        most = max(int(each.get("CPU", 0)) for each in machines)
        cpus = max(1, min(job.threads or 1, most))
        fits = sum(min([each.get("CPU", 0) // cpus, *([each["GPU"]] if gpus else [])]) for each in machines)
        return cls(workers=max(1, int(fits)), cpus=cpus, gpus=gpus)


def _check_there(files: list[str], folder: str) -> None:
    """Hold that this machine sees what the workers wrote.

    Raises:
        UsageError: it does not.
    """
    missing = [file for file in files if not Path(file).is_file()]
    if missing:
        raise UsageError(
            f"{len(missing)} parts were written, and are not in {folder} on this machine",
            "name an output in a folder that all machines of the cluster share",
        )


def earlier_parts(cluster: Cluster, job: Job, *, others: list[str]) -> Parts:
    """Return the parts that an earlier run has left, and among ``others`` the profiles that it began otherwise.

    Raises:
        UsageError: they are not of this run.
    """
    parts = Parts.found([*others, *files_in(cluster.folder)], job.found)
    if parts.frame is not None:
        job.check_continues(parts.frame, parts.files[0])
    return parts
