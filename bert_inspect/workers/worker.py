"""One worker of many: it does task after task, and answers each with the part that it wrote or with what went wrong."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import BertInspectError
from ..loading.checkpoint import Checkpoint
from ..loading.hub import check_environment, keep_off_the_network
from ..loading.locate import locate
from ..loading.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a worker answers: the part that it wrote and how many sentences that holds, what it has to say, and what
    went wrong, as the kind of error, its message and its hint.
    """

    part: str = ""
    sentences: int = 0
    notices: Sequence[str] = ()
    error: tuple[str, str, str | None] | None = None


class Worker(ABC):
    """What Ray Data calls with its tasks, in a process of its own; the model is loaded for the first of them."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Do a batch of tasks, each given as its first block and the one behind its last."""
        blocks = [range(int(start), int(stop)) for start, stop in zip(batch["start"], batch["stop"], strict=True)]
        return {"done": [msgspec.json.encode(self._done(each)) for each in blocks]}

    @abstractmethod
    def write(self, blocks: range) -> tuple[str, int]:
        """Write the part that holds some blocks; return what it is called and how many sentences it has.

        Raises:
            BertInspectError: what the user is to be told; the task is not tried again.
        """

    def _done(self, blocks: range) -> Done:
        try:
            part, sentences = self.write(blocks)
        except BertInspectError as error:  # is told, not tried again
            return Done(error=(type(error).__name__, error.message, error.hint))
        notices, self.notices = self.notices, []
        return Done(part=part, sentences=sentences, notices=notices)


def checkpoint_of(spec: ModelSpec) -> Checkpoint:
    """Find a worker's checkpoint. What is unusual about it has been told by whoever sent the job.

    Raises:
        ModelError: it is not on this machine.
    """
    check_environment() if spec.download else keep_off_the_network()
    return locate(spec, notice=lambda text: None)
