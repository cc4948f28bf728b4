"""Profiles a corpus that Python holds, or files, in this process and at once."""

from collections.abc import Sequence

from ...capture.encode import token_limit
from ...corpus.blocks import blocks, digest, read_blocks, survey
from ...corpus.files import sources
from ...corpus.line import Line, Place
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...profiles.coverage import corpus_of
from ...profiles.examples import MOST_EXAMPLES
from ...profiles.record import Profile
from ...traces.selection import Selection
from .profiler import Profiler
from .shard import BATCHES_PER_BLOCK


def profile_corpus(
    loaded: Loaded,
    *,
    texts: Sequence[str] | None,
    files: Sequence[str] | None,
    pairs: Sequence[str] | None,
    labels: Sequence[str | int] | None,
    selection: Selection,
    batch_size: int,
    batch_tokens: int | None,
    max_length: int | None,
    truncate: bool,
    examples: int,
) -> Profile:
    """Return a profile of sentences, or of files of them.

    Raises:
        UsageError: there is none, both are given, or as for `Profiler`.
        BertInspectError: the forward fails.
    """
    if (texts is None) == (files is None):
        raise UsageError("a corpus is sentences or files of them", "give sentences, or name files of them")
    if files is not None and (pairs is not None or labels is not None):
        raise UsageError("pairs and labels of a file stand in it", "write JSON Lines with text, pair and label")
    if batch_size < 1:
        raise UsageError("a batch has at least one sentence", "raise `batch_size`")
    if batch_tokens is not None and batch_tokens < 1:
        raise UsageError("a batch has at least one token", "raise `batch_tokens`")
    if not 0 <= examples <= MOST_EXAMPLES:
        raise UsageError(f"of each unit 0 to {MOST_EXAMPLES} examples are kept", "give `examples` such a number")
    limit = token_limit(loaded.tokenizer, loaded.most_tokens, max_length)
    size = batch_size * BATCHES_PER_BLOCK
    profiler = Profiler(
        loaded,
        loaded.tokenizer,
        selection=selection,
        batch_size=batch_size,
        batch_tokens=batch_tokens,
        limit=limit,
        truncate=truncate,
        examples=examples,
    )
    if files is not None:
        corpus = sources(files)
        found = survey(corpus, size=size)
        names, digests = [source.name for source in corpus], found.digests
        parts = read_blocks(corpus, found, range(found.blocks))
    else:
        lines = _lines(texts or (), pairs, labels)
        held = [*blocks(lines, size)]
        names, digests = [], [digest(part) for _, part in held]
        parts = iter(held)
    total = profiler.begin(
        corpus_of(
            names,
            digests,
            lines_per_block=size,
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            limit=limit,
            truncate=truncate,
        )
    )
    profiler.add_each(total, parts)
    return total.record()


def _lines(texts: Sequence[str], pairs: Sequence[str] | None, labels: Sequence[str | int] | None) -> list[Line]:
    """Return sentences as the lines of a corpus.

    Raises:
        UsageError: there is none, or there are not as many pairs or labels.
    """
    if not texts:
        raise UsageError("there is no sentence to profile", "give some")
    for what, column in (("second sentences", pairs), ("labels", labels)):
        if column is not None and len(column) != len(texts):
            raise UsageError(f"{len(texts)} sentences but {len(column)} {what}", f"give as many {what} as sentences")
    lines = [
        Line(
            number=number,
            text=text,
            pair=None if pairs is None else pairs[number - 1],
            label=None if labels is None else labels[number - 1],
            where=Place(name="the sentences", line=number),
        )
        for number, text in enumerate(texts, start=1)
    ]
    for line in lines:
        try:
            f"{line.text}{line.pair}".encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{line.place} is not valid UTF-8 text", "it has half of a surrogate pair") from error
    return lines
