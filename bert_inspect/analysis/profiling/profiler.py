"""Profiles a corpus block by block: batches of like length, each run once and summed up while it runs, some at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import structs

from ...capture.describe import described, environment
from ...capture.model_inputs import as_given, model_inputs
from ...capture.undisturbed import collecting_what_is_new
from ...capture.watching import RunWatched, watched
from ...corpus.line import Line
from ...errors import BertInspectError, UsageError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...loading.weights.digest import digest_of as weights_digest
from ...profiles.coverage import Block, Coverage
from ...profiles.record import FORMAT, VERSION, Corpus, Profile
from ...profiles.total import BatchTotals, Total
from ...traces.record import Input
from ...traces.selection import Selection
from .answered import answers_of
from .batch import BatchWatcher, Least
from .examples import Examples
from .frame import frame_of
from .growing import Growing, Task
from .looks import marks_of
from .plan import Plan
from .real_tokens import RealTokens
from .side_by_side import on_each
from .tokenized import Batch, Settings, tokenized


class Profiler:
    """A model that is ready to profile any part of a corpus.

    Args:
        loaded: the model.
        tokenizer: its fast tokenizer.
        selection: which steps are told.
        batch_size: the most sentences of a batch.
        batch_tokens: the most tokens of one; None: as many as its sentences have.
        limit: the most tokens of a sentence.
        truncate: whether longer ones are cut.
        examples: how many tokens are kept of each unit that drive it most.
        watcher: makes what looks at the tensors of a run.

    Raises:
        UsageError: the model has no numbers, or chooses between texts, or nothing is selected.
        BertInspectError: its forward fails.
    """

    def __init__(
        self,
        loaded: Loaded,
        tokenizer: Any,
        *,
        selection: Selection,
        batch_size: int,
        batch_tokens: int | None = None,
        limit: int | None,
        truncate: bool,
        examples: int = 0,
        watcher: Callable[..., BatchWatcher] = BatchWatcher,
    ) -> None:
        if loaded.weights == "none":
            raise UsageError("without weights there are no activations", 'leave `weights="none"` out')
        if loaded.head is MULTIPLE_CHOICE:
            raise UsageError(
                f"{loaded.name} chooses between texts that may follow one, and a corpus holds texts alone",
                'profile its body: `task="feature-extraction"`',
            )
        self._loaded, self._tokenizer = loaded, tokenizer
        self._selection = selection
        self._how = Settings(size=batch_size, tokens=batch_tokens, limit=limit, truncate=truncate)
        self._examples, self._watcher = examples, watcher
        self._frame = frame_of(loaded, tokenizer, selection=selection, limit=limit)
        self._answers = answers_of(loaded)
        self._heads = loaded.sizes.get("heads", 1)
        self._plans = {False: self._frame.plans[0], True: self._frame.plans[-1]}  # by whether there is padding

    def begin(self, corpus: Corpus) -> Total:
        """Return the totals of nothing: a profile of the corpus of which no block is done."""
        loaded = self._loaded
        return Total(
            frame=Profile(
                format=FORMAT,
                version=VERSION,
                environment=environment(),
                model=described(loaded),
                weights=weights_digest(loaded.model),
                input=structs.replace(corpus, done=[], digests=[], sentences=0, tokens=0, cut=0),
                selection=self._selection.described(),
                examples=self._examples,
                steps=list(self._frame.steps),
                heads=[],
            ),
            coverage=Coverage(),
            answers=None if self._answers is None else self._answers.nothing(),
            heads=self._frame.no_heads(self._heads),
        )

    def add_each(
        self,
        total: Total,
        blocks: Iterable[tuple[int, Sequence[Line]]],
        added: Callable[[int], None] = lambda sentences: None,
    ) -> None:
        """Profile blocks of the corpus, given by their numbers, and add each to the totals as a whole: if one fails,
        nothing of it or of those behind it. While the last batches of a block run, the next one is read.

        Args:
            total: grows.
            blocks: in the order in which they are added.
            added: called with the number of its sentences when a block was added.

        Raises:
            UsageError: a sentence is too long, or its label is no class of the model; names its line.
            BertInspectError: the forward fails.
        """
        growing = Growing(total, added)

        @contextmanager
        def running(loaded: Loaded) -> Iterator[Callable[[Task], tuple[Task, BatchTotals]]]:
            with watched(loaded) as run:
                yield lambda task: (task, self._run(run, task.batch, task.labels, least=growing.least))

        with collecting_what_is_new():
            on_each(self._loaded, running, self._tasks(blocks), lambda found: growing.add(*found))

    def _tasks(self, blocks: Iterable[tuple[int, Sequence[Line]]]) -> Iterator[Task]:
        for number, lines in blocks:
            # All are tokenized in this thread: a tokenizer that cuts sentences cannot be asked by others meanwhile.
            # The longest come first, so that at the end no thread waits long for another.
            batches = sorted(tokenized(self._tokenizer, lines, self._how), key=_tokens, reverse=True)
            labels = [[None if line.label is None else self._index(line) for line in batch.lines] for batch in batches]
            for batch, classes in zip(batches, labels, strict=True):
                ends = (number, lines, batches) if batch is batches[-1] else None
                yield Task(batch=batch, labels=classes, ends=ends)

    def add_batch(self, total: Total, batch: Input) -> None:
        """Add one encoded batch, which is a block by itself and has no labels.

        Raises:
            BertInspectError: the forward fails.
        """
        with watched(self._loaded) as run:
            total.add(self._run(run, Batch([], [], batch), [None] * len(batch.texts), least=total.least))
        tokens, cut = sum(map(sum, batch.attention_mask)), sum(map(bool, batch.truncated))
        total.done(0, Block(digest="", sentences=len(batch.texts), tokens=tokens, cut=cut))

    def _index(self, line: Line) -> int | None:
        if self._answers is None or line.label is None:
            raise UsageError(
                f"{line.place} has a label, and this model does not choose one of several classes",
                "leave the labels out of the file",
            )
        return self._answers.index(line.label, line.place)

    def _run(self, run: RunWatched, tokens: Batch, labels: Sequence[int | None], *, least: Least) -> BatchTotals:
        """Run a batch and return what it adds. The plan that served a batch like it is tried first."""
        batch = as_given(self._loaded, tokens.input)
        inputs = model_inputs(self._loaded, batch, labels=False)
        real = RealTokens(inputs["attention_mask"].cpu().numpy(), heads=self._heads)
        marks = marks_of(batch, inputs["input_ids"].cpu().numpy(), real.mask)
        examples = Examples(self._tokenizer, tokens, real.mask, most=self._examples)
        tried: list[Plan] = []
        plan: Plan | None = self._plans[real.padded]
        while plan is not None:
            watcher = self._watcher(plan, real, marks, examples=examples, least=least)
            output = run(inputs, watcher)
            if watcher.went_as_planned:
                self._plans[real.padded] = plan
                return BatchTotals(
                    numbers=watcher.numbers,
                    dimensions=watcher.dimensions,
                    heads={self._frame.heads[place]: heads for place, heads in watcher.looks.items()},
                    answers=None if self._answers is None else self._answers.answers(batch, output, labels),
                )
            tried.append(plan)
            inputs = model_inputs(self._loaded, batch, labels=False)  # whatever became of those
            ran = tuple(watcher.ends)
            plan = next((each for each in self._frame.plans if each.ends == ran and each not in tried), None)
        raise BertInspectError(
            f"the model runs other steps over {batch_name(batch)} than over sentences of other lengths",
            "its steps cannot be added up; bert-inspect run shows them",
        )


def _tokens(batch: Batch) -> int:
    """Return how many tokens a batch has, padding included."""
    return sum(map(len, batch.input.input_ids))


def batch_name(batch: Input) -> str:
    """Return what a batch is called in an error."""
    first, last = min(batch.lines), max(batch.lines)
    return f"sentence {first}" if first == last else f"sentences {first} to {last}"
