"""One worker of many: it holds the model once, and writes a part of the profile for each task that it is given."""

import copy
from pathlib import Path

from ...corpus.blocks import read_blocks
from ...errors import UsageError
from ...files import replacing
from ...profiles.profile_file import profile_json
from ...profiles.record import Profile
from ...profiles.total import Total, difference
from ...workers.worker import Worker, checkpoint_of
from .earlier import SAME
from .job import Job
from .parts import part_name
from .profiler import Profiler


class ProfileWorker(Worker):
    """A model that profiles parts of a corpus.

    Args:
        job: the corpus and what is done with it.
        folder: where the parts are written.
        frame: of the parts that are there already; theirs must be the same.
    """

    def __init__(self, job: Job, folder: str, frame: Profile | None) -> None:
        super().__init__()
        self._job, self._folder, self._frame = job, folder, frame
        self._ready: tuple[Profiler, Total] | None = None

    def write(self, blocks: range) -> tuple[str, int]:
        """Write the part that holds some blocks."""
        profiler, nothing = self._loaded()
        total = copy.deepcopy(nothing)
        profiler.add_each(total, read_blocks(self._job.corpus, self._job.found, blocks))
        with replacing(Path(self._folder) / part_name(blocks)) as stream:
            stream.write(profile_json(total.record()))
        return part_name(blocks), total.coverage.sentences

    def _loaded(self) -> tuple[Profiler, Total]:
        """Return what profiles, and a profile of nothing; the model is loaded for the first task.

        Raises:
            ModelError: it cannot be loaded here.
            UsageError: it is not the one that made the parts that are there.
        """
        if self._ready is None:
            profiler, nothing = self._job.ready(checkpoint_of(self._job.spec), self.notices.append)
            why = None if self._frame is None else difference(self._frame, nothing.frame)
            if why is not None:
                raise UsageError(f"the parts in {self._folder} cannot be continued: {why}", SAME)
            self._ready = profiler, nothing
        return self._ready
