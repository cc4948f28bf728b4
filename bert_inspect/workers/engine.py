"""The engine of many machines: Ray Data, whose actors hold the model once each and are given runs of blocks.

Each worker reads its blocks from the files and writes its part beside the output, so both have to lie where every
machine of the cluster sees them under the same path. Ray starts a worker that is lost anew and gives its task to
another.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from .. import errors
from ..errors import BertInspectError, UsageError
from ..loading.spec import ModelSpec
from .cluster import connected
from .folder import make_folder
from .worker import Done, Worker


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the work is done.

    Attributes:
        folder: for the parts.
        address: of a cluster that runs; None starts one on this machine, for as long as it is needed.
        verbose: whether Ray's own messages are shown, on stderr.
    """

    folder: str
    address: str | None
    verbose: bool = False


class Workers:
    """The workers that a cluster has room for."""

    def __init__(self, ray: Any, size: "_Size") -> None:
        self._ray, self._size = ray, size

    @property
    def count(self) -> int:
        """How many there are."""
        return self._size.workers

    def done(
        self, worker: type[Worker], arguments: tuple[Any, ...], tasks: Sequence[range], *, notice: Callable[[str], None]
    ) -> Iterator[Done]:
        """Yield what the workers answer to their tasks, as it comes. Each is made from the arguments, as they arrive in
        its process; what several have to say is said once.

        Raises:
            BertInspectError: what went wrong in a worker; or Ray gives up.
        """
        told: set[str] = set()
        for done in self._answers(worker, arguments, tasks):
            if done.error is not None:
                kind, message, hint = done.error
                raise getattr(errors, kind, BertInspectError)(message, hint)
            for text in done.notices:
                if text not in told:
                    notice(text)
                    told.add(text)
            yield done

    def _answers(self, worker: type[Worker], arguments: tuple[Any, ...], tasks: Sequence[range]) -> Iterator[Done]:
        ray, size = self._ray, self._size
        from ray.data import ActorPoolStrategy

        items = [{"start": blocks.start, "stop": blocks.stop} for blocks in tasks]
        answers = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            worker,
            fn_constructor_args=arguments,
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


@contextmanager
def workers_of(cluster: Cluster, *, threads: int, device: str) -> Iterator[Workers]:
    """Yield the workers of a cluster, each with so many threads and its model on a device; the folder of the parts is
    made, and removed at the end if it is empty.

    Raises:
        UsageError: there is no such cluster, it has no such device, or the folder cannot be made.
    """
    make_folder(cluster.folder)
    with _not_left_empty(cluster.folder), connected(cluster.address, verbose=cluster.verbose) as ray:
        yield Workers(ray, _Size.of(ray, threads=threads, device=device))


@dataclass(frozen=True, kw_only=True)
class _Size:
    """How many workers there are, and what each of them takes of the cluster."""

    workers: int
    cpus: int
    gpus: int

    @classmethod
    def of(cls, ray: Any, *, threads: int, device: str) -> "_Size":
        """Return what fits: a worker has a processor for each of its threads, as far as a machine has so many.

        Raises:
            UsageError: the model is to run on GPUs, and there are none.
        """
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = 1 if device.startswith("cuda") else 0
        if gpus:
            machines = [each for each in machines if each.get("GPU", 0) >= 1]
            if not machines:
                raise UsageError("no machine of the Ray cluster has a GPU", 'leave `device="cuda"` out')
        most = max(int(each.get("CPU", 0)) for each in machines)
        cpus = max(1, min(threads, most))
        fits = sum(min([each.get("CPU", 0) // cpus, *([each["GPU"]] if gpus else [])]) for each in machines)
        return cls(workers=max(1, int(fits)), cpus=cpus, gpus=gpus)


def at_home(path: str) -> str:
    """Return a path that holds whatever folder a worker starts in."""
    return os.path.abspath(path)  # noqa: PTH100 - no links are followed


def spec_at_home(spec: ModelSpec) -> ModelSpec:
    """Return a model whose folder, if it is in one, is found from whatever folder a worker starts in."""
    return replace(spec, name=at_home(spec.name)) if Path(spec.name).is_dir() else spec


@contextmanager
def _not_left_empty(folder: str) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError):  # there is something in it
            Path(folder).rmdir()
