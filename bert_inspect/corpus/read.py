"""The sentences of a corpus, one after another: nothing is held but the line that is read."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import UsageError
from .files import Source
from .json_lines import LONGEST_OBJECT, row_of
from .line import Line, Place
from .opened import opened
from .sentence_file import LONGEST_LINE, raw_lines, text_of


class Start(NamedTuple):
    """Where to begin: the number of the first sentence, and where it stands (file, line, byte)."""

    number: int = 1
    file: int = 0
    line: int = 1
    offset: int = 0


def read(corpus: Sequence[Source], start: Start = Start()) -> Iterator[Line]:  # noqa: B008 - a tuple
    """Yield the sentences of a corpus, from ``start`` on. Blank lines are passed over. All have a pair, or none.

    Raises:
        UsageError: a file cannot be read or is damaged, or a line is no sentence; the message names file and line.
    """
    number, paired = start.number, None
    for place, source in enumerate(corpus[start.file :], start=start.file):
        first = start if place == start.file else Start()
        for line in _read_file(source, place, number, first):
            if paired is None:
                paired = line.pair is not None
            elif paired != (line.pair is not None):
                raise _unlike(line)
            yield line
            number += 1


def _read_file(source: Source, place: int, number: int, first: Start) -> Iterator[Line]:
    longest = LONGEST_OBJECT if source.objects else LONGEST_LINE
    with opened(source.path, offset=first.offset) as stream:
        for raw in raw_lines(stream, longest=longest, number=first.line, offset=first.offset):
            where = Place(place, source.name, raw.number, raw.offset)
            if source.objects:
                data = raw.data.removeprefix(b"\xef\xbb\xbf") if raw.number == 1 else raw.data
                if not data.strip():
                    continue
                row = row_of(data, str(where))
                yield Line(number=number, text=row.text, pair=row.pair, label=row.label, where=where)
            else:
                text = text_of(raw, str(where))
                if not text.strip():
                    continue
                yield Line(number=number, text=text, where=where)
            number += 1


def _unlike(line: Line) -> UsageError:
    has, others = ("no pair", "have one") if line.pair is None else ("a pair", "have none")
    return UsageError(
        f"{line.where} has {has}, and the sentences before it {others}", "give every sentence a pair, or none"
    )
