"""One worker of many: it holds the model once, and writes the traces of each window that it is given."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...capture.batches import batches, trace_again, trace_batch
from ...capture.tally import Tally
from ...corpus.sentence_file import NumberedLine
from ...loading.loaded import Loaded
from ...traces.finished import Finished
from ...traces.trace_file import trace_line
from ...workers.worker import Worker
from .job import Job
from .part import FORMAT, Seal, part_name, write_part


class TraceWorker(Worker):
    """A model that traces windows of a file.

    Args:
        job: the file and what is done with it.
        folder: where the parts are written.
    """

    def __init__(self, job: Job, folder: str) -> None:
        super().__init__()
        self._job, self._folder = job, folder
        self._ready: tuple[Loaded, Any] | None = None

    def write(self, blocks: range) -> tuple[str, int]:
        """Write the part that holds a window."""
        self._loaded()
        job, (number,) = self._job, blocks
        held = job.held.get(number, frozenset())
        [(_, lines)] = job.windows(blocks)
        seal = Seal(
            format=FORMAT,
            window=number,
            digest=job.found.digests[number],
            options=job.options,
            held=sorted(held),
            sentences=0,
            tally=Tally(),
        )
        write_part(Path(self._folder) / part_name(number), self._traced(lines, held, seal), seal)
        return part_name(number), seal.sentences

    def _traced(self, lines: Sequence[NumberedLine], held: frozenset[int], seal: Seal) -> Iterator[bytes]:
        """Yield the traces of a window's batches, without the sentences that the output holds."""
        loaded, tokenizer = self._loaded()
        for batch in batches(lines, tokenizer, size=self._job.batch_size):
            if rest := [line for line in batch if line.number not in held]:
                trace = trace_batch(loaded, tokenizer, rest, **self._job.how)
                seal.tally.add(trace, tokenizer)
                seal.sentences += len(rest)
                yield trace_line(trace)

    def _loaded(self) -> tuple[Loaded, Any]:
        """Return the model and its tokenizer; they are loaded for the first task.

        Raises:
            ModelError: it cannot be loaded here.
            UsageError: it is not the one that was traced earlier.
        """
        if self._ready is None:
            loaded, tokenizer = self._job.ready(self.notices.append)
            if self._job.earlier is not None:
                first = Finished(path=self._job.earlier, first=_first_line(self._job.earlier))
                earlier = first.earlier()
                first.check_again(earlier, trace_again(loaded, tokenizer, earlier, **self._job.how))
            self._ready = loaded, tokenizer
        return self._ready


def _first_line(path: str) -> bytes:
    with Path(path).open("rb") as stream:
        return stream.readline()
