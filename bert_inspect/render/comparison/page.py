"""Where two runs part: the answer first, then what was not alike, then a line for each part of the model or step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...diff import Diff, Setting, StepDiff, Unmatched
from ...diff.words import times, where
from ...safetext import safe_text
from ...traces.record import Source
from ...traces.selection import Wanted
from ..outcome.meaning import named, percent
from ..words import BAD, DIM, GOOD, NAME, PLAIN, number, plural, sentence
from .tables import TableFormat, part_of, parts_table, steps_table

_ALSO = 5
_MOST_UNMATCHED = 12
_SETTING = 56


@dataclass(frozen=True, kw_only=True)
class DiffView:
    """What is shown of a comparison: a line for each part of the model or, with ``all``, for every selected step."""

    all: bool = False
    selection: Wanted = field(default_factory=Wanted)


class DiffPage:
    """Two compared traces as a Rich renderable."""

    def __init__(self, found: Diff, view: DiffView) -> None:
        self._found = found
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        found, wants = self._found, self._view.selection.wants
        yield answer(found)
        sizes = found.other_texts and found.tolerance is None
        form = TableFormat(width=options.max_width, sign="~" if options.ascii_only else "…", sizes=sizes)
        if not sizes:
            yield from _first(found, form)
        yield from _settings(found)
        steps = [step for step in found.steps if wants(step.path, step.layer)]
        table = steps_table if self._view.all else parts_table
        yield Text()
        yield table(steps, form)
        if found.only_a or found.only_b:
            yield Text()
        for name, unmatched in (("A", found.only_a), ("B", found.only_b)):
            if chosen := [step for step in unmatched if wants(step.path, step.layer)]:
                yield _unmatched(f"only in {name}", chosen)


def answer(found: Diff) -> Group:
    """Return the verdict and, of other sentences or edited runs, what the two runs predict: the part that stays on the
    screen.
    """
    told = Text(safe_text(found.verdict))
    expected = found.other_texts and not found.same
    told.stylize(NAME if expected else GOOD if found.same else BAD)
    edited = any(setting.what == "model.edits" for setting in found.settings)
    return Group(told, Text(), _answers(found)) if expected or edited else Group(told)


def _answers(found: Diff) -> Table:
    """Return both predictions for each sentence, A's above B's."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=DIM, no_wrap=True)
    table.add_column(overflow="fold")
    words = any(one.index < 0 for each in found.answers for one in (each.a, each.b))
    table.add_column(no_wrap=not words, overflow="fold")
    table.add_column(no_wrap=True, justify="right")
    for each in found.answers[:_ANSWERS]:
        for side, one in (("A", each.a), ("B", each.b)):
            score = "" if one.score is None else percent(one.score) if one.probability else number(one.score)
            said = named(one.label, one.index, meant=one.trained) if one.probability else "score"
            if one.index < 0:  # no class, but words
                said = sentence(one.label, most=_WORDS) if one.trained else "-"
            text = sentence(one.text) if one.pair is None else f"{sentence(one.text)} with {sentence(one.pair)}"
            style = NAME if one.trained else DIM
            table.add_row(side, Text(text), Text(said, style), Text(score, PLAIN if one.trained else DIM))
    if len(found.answers) > _ANSWERS:
        table.add_row("", Text(f"... {plural(len(found.answers) - _ANSWERS, 'more sentence')}", style=DIM))
    if any(not one.trained for each in found.answers for one in (each.a, each.b)):
        table.add_row("", Text(_RANDOM, style=DIM))
    return table


_ANSWERS = 8
_WORDS = 120
_RANDOM = "randomly initialized head: these predictions are meaningless"


def _first(found: Diff, form: TableFormat) -> Iterator[Text]:
    first = found.first
    if first is not None:
        yield from (form.clip(line, form.width) for line in _sources(first))
        place = f" at {first.at.words}" if first.at is not None else ""
        if first.max_abs is not None and first.floor:
            name = "rounding tolerance" if found.tolerance is None else "tolerance"
            yield Text(f"  largest difference {number(first.max_abs)}, {name} {number(first.floor)}")
        if place:
            yield Text(safe_text(f" {place}"))
        if first.note and first.note not in found.verdict:
            yield Text(safe_text(f"  {first.note}"))
    if found.cause is not None:
        said = f"explained by: {found.cause.says}" if found.cause.says else found.cause.note
        yield Text(safe_text(f"  {said}"), style=NAME if found.cause.says else PLAIN)
    for step in found.also[:_ALSO]:
        lead = "independent divergence (identical inputs): "
        how = step.note if step.times is None else f"{times(step.times)} x"
        yield Text.assemble((lead, DIM), (safe_text(f"{where(step)}, {how}"), PLAIN))
    if len(found.also) > _ALSO:
        yield Text(f"... and {plural(len(found.also) - _ALSO, 'more step')}", style=DIM)


def _sources(step: StepDiff) -> Iterator[Text]:
    if step.source is not None:
        yield _source(step.source, "")
    if step.source_b is not None and step.source_b != step.source:
        yield _source(step.source_b, " in B")


def _source(source: Source, which: str) -> Text:
    return Text(safe_text(f"  {source.file}:{source.line}{which}  {source.code}"), style=DIM)


def _settings(found: Diff) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_row(
        *(Text(safe_text(title), style=DIM) for title in ("differing settings", f"A  {found.a}", f"B  {found.b}"))
    )
    shown = [setting for setting in found.settings if not (found.other_texts and setting.what in _IN_ANSWERS)]
    for setting in shown:
        name = setting.what.rpartition(".")[2]
        cells = [Text(safe_text(value)) for value in _values(setting)]
        table.add_row(Text(safe_text(_NAMES.get(name, name)), style=DIM), *cells)
    if shown or found.notes:
        yield Text()
    if shown:
        yield table
    for note in found.notes:
        yield Text(safe_text(note))


_IN_ANSWERS = ("input.texts", "input.pairs")
"""What the answers show already where the sentences differ."""
_NAMES = {"input_ids": "token ids", "token_type_ids": "segment ids", "attention_mask": "padding", "texts": "sentences"}


def _values(setting: Setting) -> tuple[str, str]:
    """Return the two values in short: of lists of one length the first row that differs."""
    a, b = setting.a, setting.b
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        row = next((place for place, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), 0)
        lead = f"{row + 1}: " if len(a) > 1 else ""
        return lead + _short(a[row]), lead + _short(b[row])
    return _short(a), _short(b)


def _short(value: object) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, dict):
        text = ", ".join(f"{key} {item}" for key, item in value.items())
    elif isinstance(value, list):
        text = (", " if any(isinstance(item, str) for item in value) else " ").join(map(str, value))
    else:
        text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= _SETTING else text[: _SETTING - 3] + "..."


def _unmatched(title: str, steps: list[Unmatched]) -> Text:
    """Return the steps without a partner in a line: whole layers as such, labels that stand in the same places
    together.
    """
    whole = dict.fromkeys(part_of(step) for step in steps if step.label == part_of(step))
    places: dict[str, list[str]] = {}
    for step in steps:
        if part_of(step) not in whole:
            places.setdefault(step.label, []).append(part_of(step))
    groups: dict[tuple[str, ...], list[str]] = {}
    for label, found in places.items():
        groups.setdefault(tuple(dict.fromkeys(found)), []).append(label)
    shown = [_span(list(whole))] if whole else []
    for parts, labels in groups.items():
        rest = f" and {len(labels) - _MOST_UNMATCHED} more" if len(labels) > _MOST_UNMATCHED else ""
        shown.append(f"{_span(parts)}: {', '.join(labels[:_MOST_UNMATCHED])}{rest}")
    return Text.assemble((f"{title}, {plural(len(steps), 'step')}  ", DIM), safe_text("; ".join(shown)))


def _span(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"{parts[0].replace('layer ', 'layers ')} to {parts[-1].removeprefix('layer ')}"
