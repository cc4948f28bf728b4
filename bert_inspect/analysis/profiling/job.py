"""What is to be profiled and how: plain data that can be sent to another process, and what that makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...capture.encode import token_limit
from ...corpus.blocks import Survey
from ...corpus.files import Source
from ...errors import UsageError
from ...loading import model
from ...loading.checkpoint import Checkpoint
from ...loading.notices import Notice
from ...loading.spec import ModelSpec
from ...loading.threads import use_threads
from ...loading.tokenizer import load_tokenizer
from ...profiles.coverage import corpus_of
from ...profiles.record import Profile
from ...profiles.total import Total, differs
from ...traces.selection import Selection
from .earlier import SAME
from .profiler import Profiler


@dataclass(frozen=True, kw_only=True)
class Job:
    """A corpus and what is done with it.

    Attributes:
        spec: the model to load.
        corpus: the files.
        found: what one pass over them has shown.
        selection: which steps are told.
        batch_size: the most sentences of a batch.
        batch_tokens: the most tokens of a batch; None: as many as its sentences have.
        max_length: the most tokens of a sentence; None: as many as the model takes.
        truncate: whether longer ones are cut.
        examples: how many tokens are kept of each unit.
        threads: torch's threads; None leaves them as they are.
    """

    spec: ModelSpec
    corpus: Sequence[Source]
    found: Survey
    selection: Selection
    batch_size: int
    batch_tokens: int | None
    max_length: int | None
    truncate: bool
    examples: int
    threads: int | None

    def ready(self, checkpoint: Checkpoint, notice: Notice) -> tuple[Profiler, Total]:
        """Load the model, and return what profiles with it and a profile of nothing.

        Raises:
            ModelError: the model or its tokenizer cannot be loaded.
            UsageError: it has no activations, or nothing is selected.
        """
        use_threads(self.threads)
        tokenizer = load_tokenizer(checkpoint, notice=notice)
        limit = token_limit(tokenizer, checkpoint.positions, self.max_length)
        profiler = Profiler(
            replace(model.load(checkpoint, self.spec, notice=notice), tokenizer=tokenizer),
            tokenizer,
            selection=self.selection,
            batch_size=self.batch_size,
            batch_tokens=self.batch_tokens,
            limit=limit,
            truncate=self.truncate,
            examples=self.examples,
        )
        corpus = corpus_of(
            [source.name for source in self.corpus],
            self.found.digests,
            lines_per_block=self.found.size,
            batch_size=self.batch_size,
            batch_tokens=self.batch_tokens,
            limit=limit,
            truncate=self.truncate,
        )
        return profiler, profiler.begin(corpus)

    def check_continues(self, frame: Profile, file: str) -> None:
        """Refuse to go on with a profile that was begun otherwise, as far as that shows without the model.

        Raises:
            UsageError: it was; names the first thing that differs.
        """
        theirs = frame.input
        for what, mine, other in (
            ("the list of files", [source.name for source in self.corpus], theirs.files),
            ("the batch size", self.batch_size, theirs.batch_size),
            ("the most tokens of a batch", self.batch_tokens, theirs.batch_tokens),
            ("whether longer sentences are cut", self.truncate, theirs.truncate),
            ("the text of the files", self.found.digest, theirs.digest),
            ("the filters", self.selection.described(), frame.selection),
            ("the number of examples", self.examples, frame.examples),
        ):
            if mine != other:
                raise UsageError(f"{file} cannot be continued: {differs(what, other, mine)}", SAME)
