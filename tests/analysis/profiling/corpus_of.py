"""Sentences of a corpus for tests, and what profiles them."""

from collections.abc import Sequence
from typing import Any

from bert_inspect.analysis.profiling.profiler import Profiler
from bert_inspect.corpus.line import Line, Place
from bert_inspect.profiles.record import Corpus, Profile
from bert_inspect.profiles.total import Total
from bert_inspect.traces.selection import Selection

TEXTS = [
    "I love cats, and cats love me!",
    "The film was not as good as I had hoped.",
    "cats",
    "a b c d e f g h i j k l m",
    "believe",
    "I love, I believe",
]


def sentences(texts: Sequence[str], labels: Sequence[str | int] | None = None) -> list[Line]:
    """Sentences from their texts."""
    return [
        Line(
            number=number,
            text=text,
            label=None if labels is None else labels[number - 1],
            where=Place(name="corpus.txt", line=number),
        )
        for number, text in enumerate(texts, start=1)
    ]


def corpus(blocks: int = 1, lines: int = 64, batch_size: int = 16) -> Corpus:
    """A corpus of so many blocks."""
    return Corpus(
        files=["corpus.txt"],
        blocks=blocks,
        lines_per_block=lines,
        batch_size=batch_size,
        max_length=None,
        truncate=False,
        done=[],
        digests=[],
        sentences=0,
        tokens=0,
        cut=0,
    )


def profiler(loaded: Any, tokenizer: Any, **how: Any) -> Profiler:
    """What profiles a model, without filters."""
    settings = {"selection": Selection(), "batch_size": 16, "limit": 64, "truncate": False}
    return Profiler(loaded, tokenizer, **{**settings, **how})


def profiled(loaded: Any, tokenizer: Any, lines: Sequence[Line], **how: Any) -> Profile:
    """A profile of sentences in one block."""
    made = profiler(loaded, tokenizer, **how)
    total: Total = made.begin(corpus())
    made.add_each(total, [(0, lines)])
    return total.record()
