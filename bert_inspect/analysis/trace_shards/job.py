"""What is to be traced and how: plain data that can be sent to another process, and what that makes of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from ...capture.batches import WINDOW
from ...capture.keep import Keep
from ...corpus.blocks import Survey, read_blocks, survey
from ...corpus.files import Source
from ...corpus.sentence_file import NumberedLine
from ...loading import model
from ...loading.loaded import Loaded
from ...loading.notices import Notice
from ...loading.spec import ModelSpec
from ...loading.threads import use_threads
from ...loading.tokenizer import load_tokenizer
from ...traces.edits import Edit
from ...traces.selection import Selection
from ...workers.engine import at_home, spec_at_home
from ...workers.worker import checkpoint_of


@dataclass(frozen=True, kw_only=True)
class Job:
    """A file of sentences and what is done with it.

    Attributes:
        spec: the model to load.
        file: the sentences, one a line.
        batch_size: the sentences of a batch.
        limit: the most tokens of a sentence.
        truncate: whether longer ones are cut.
        selection: which steps are recorded.
        keep: what is kept of them.
        verify: whether each trace is proved.
        edits: what is taken away or changed.
        threads: torch's threads in each worker: as many as one process would have, so that sums round alike.
        found: what one pass over the file has shown; its blocks are the windows of batches.
        held: the lines of the file that the output holds already, of each window that it does not hold as a whole.
        earlier: a file whose first line is a trace of an earlier run, which this one must make again; None where there
            is none.
    """

    spec: ModelSpec
    file: str
    batch_size: int
    limit: int | None
    truncate: bool
    selection: Selection
    keep: Keep
    verify: bool
    edits: Sequence[Edit]
    threads: int
    found: Survey
    held: Mapping[int, frozenset[int]] = field(default_factory=dict)
    earlier: str | None = None

    @property
    def how(self) -> dict[str, Any]:
        """How a batch is traced, as `trace_batch` takes it."""
        names = ("limit", "truncate", "selection", "keep", "verify", "edits")
        return {name: getattr(self, name) for name in names}

    @property
    def options(self) -> dict[str, str]:
        """What the bytes of a trace hang on besides the sentences, in words: parts that differ in it are not joined."""
        spec, keep = self.spec, self.keep
        return {
            "model": PurePath(spec.name).name,
            "batch size": str(self.batch_size),
            "the most tokens of a sentence": str(self.limit),
            "sentences that are too long": "cut" if self.truncate else "refused",
            "filters": ", ".join(f"{name} {value}" for name, value in self.selection.described().items()) or "none",
            "statistics": _kept(keep.stats),
            "values": _kept(keep.values is not None),
            "seconds": _kept(keep.seconds),
            "proof": _kept(self.verify),
            "edits": ", ".join(map(str, self.edits)) or "none",
            "attention": spec.attention,
            "dtype": str(spec.dtype),
            "weights": spec.weights,
            "task": spec.task,
            "number of labels": str(spec.num_labels),
            "seed": str(spec.seed),
        }

    def at_home(self) -> "Job":
        """Return the job with paths that hold whatever folder a worker starts in."""
        edits = [replace(edit, file=None if edit.file is None else at_home(edit.file)) for edit in self.edits]
        earlier = None if self.earlier is None else at_home(self.earlier)
        return replace(self, file=at_home(self.file), edits=edits, earlier=earlier, spec=spec_at_home(self.spec))

    def windows(self, wanted: Collection[int]) -> Iterator[tuple[int, list[NumberedLine]]]:
        """Yield some windows of the file, each with its number.

        Raises:
            UsageError: the file cannot be read, or no longer reads as it did.
        """
        for number, lines in read_blocks(_corpus(self.file), self.found, wanted):
            yield number, [NumberedLine(line.where.line, line.text) for line in lines]

    def ready(self, notice: Notice) -> tuple[Loaded, Any]:
        """Load the model; return it and its tokenizer.

        Raises:
            ModelError: the model or its tokenizer cannot be loaded.
        """
        use_threads(self.threads)
        checkpoint = checkpoint_of(self.spec)
        tokenizer = load_tokenizer(checkpoint, notice=lambda text: None)  # whoever sent the job has loaded it too
        return replace(model.load(checkpoint, self.spec, notice=notice), tokenizer=tokenizer), tokenizer


def windows_of(file: str, *, batch_size: int) -> Survey:
    """Read a file of sentences through, in windows of so many batches as are sorted by length together.

    Raises:
        UsageError: it cannot be read, or there is no sentence in it.
    """
    return survey(_corpus(file), size=batch_size * WINDOW)


def _corpus(file: str) -> list[Source]:
    return [Source(path=file, name=file, objects=False)]


def _kept(wanted: bool) -> str:
    return "kept" if wanted else "not kept"
