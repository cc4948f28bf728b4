"""One worker of many: it holds the model once, and writes a part of the profile for each task that it is given."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...corpus.blocks import read_blocks
from ...errors import BertInspectError, UsageError
from ...files import replacing
from ...loading.hub import check_environment, keep_off_the_network
from ...loading.locate import locate
from ...profiles.profile_file import profile_json
from ...profiles.record import Profile
from ...profiles.total import Total, difference
from .earlier import SAME
from .job import Job
from .parts import part_name
from .profiler import Profiler


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a worker answers: the part that it wrote and how many sentences that holds, what it has to say, and what
    went wrong, as the kind of error, its message and its hint.
    """

    part: str = ""
    sentences: int = 0
    notices: Sequence[str] = ()
    error: tuple[str, str, str | None] | None = None


class Worker:
    """A model that profiles parts of a corpus.

    Args:
        job: the corpus and what is done with it.
        folder: where the parts are written.
        frame: of the parts that are there already; theirs must be the same.
    """

    def __init__(self, job: Job, folder: str, frame: Profile | None) -> None:
        self._job, self._folder, self._frame = job, folder, frame
        self._notices: list[str] = []
        self._ready: tuple[Profiler, Total] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do a batch of tasks, each given as its first block and the one behind its last."""
        blocks = [range(int(start), int(stop)) for start, stop in zip(batch["start"], batch["stop"], strict=True)]
        return {"done": [msgspec.json.encode(self._done(each)) for each in blocks]}

    def _done(self, blocks: range) -> Done:
        try:
            sentences = self._profile(blocks)
        except BertInspectError as error:  # is told, not tried again
            return Done(error=(type(error).__name__, error.message, error.hint))
        notices, self._notices = self._notices, []
        return Done(part=part_name(blocks), sentences=sentences, notices=notices)

    def _profile(self, blocks: range) -> int:
        """Write the part that holds some blocks; return how many sentences it has."""
        profiler, nothing = self._loaded()
        total = copy.deepcopy(nothing)
        for number, lines in read_blocks(self._job.corpus, self._job.found, blocks):
            profiler.add(total, number, lines)
        with replacing(Path(self._folder) / part_name(blocks)) as stream:
            stream.write(profile_json(total.record()))
        return total.coverage.sentences

    def _loaded(self) -> tuple[Profiler, Total]:
        """Return what profiles, and a profile of nothing; the model is loaded for the first task.

        Raises:
            ModelError: it cannot be loaded here.
            UsageError: it is not the one that made the parts that are there.
        """
        if self._ready is None:
            spec = self._job.spec
            check_environment() if spec.download else keep_off_the_network()
            checkpoint = locate(spec, notice=lambda text: None)  # whoever sent the job has told it
            profiler, nothing = self._job.ready(checkpoint, self._notices.append)
            why = None if self._frame is None else difference(self._frame, nothing.frame)
            if why is not None:
                raise UsageError(f"the parts in {self._folder} cannot be continued: {why}", SAME)
            self._ready = profiler, nothing
        return self._ready
