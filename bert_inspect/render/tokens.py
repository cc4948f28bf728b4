"""The tokenizer's part: each token with its id, word, place in the text, segment and mask."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..traces.record import Input
from ..traces.sentences import cut_in_words
from ..traces.token_text import token_texts
from .words import BAD, DIM, NAME, plural, sentence

ROWS = 3000
"""How many tokens are shown; exports hold all of them."""


def tokens(batch: Input) -> Group:
    """Return a table for each sentence, with the text before and after tokenizing."""
    parts: list[RenderableType] = []
    room = ROWS
    for row, shown in enumerate(batch.tokens):
        if room <= 0:
            parts += [Text(f"... {plural(len(batch.tokens) - row, 'more sentence')}", style=DIM), Text()]
            break
        parts += [*_texts(batch, row), Text(), _table(batch, row, room)]
        if len(shown) > room:
            parts.append(Text(f"... {plural(len(shown) - room, 'more token')}", style=DIM))
        parts.append(Text())
        room -= len(shown)
    return Group(*parts[:-1])


def _texts(batch: Input, row: int) -> list[Text]:
    lines = [
        Text.assemble((f"sentence {row + 1}  ", NAME), sentence(batch.texts[row])),
        Text.assemble(("tokenized   ", DIM), sentence(batch.decoded[row] if batch.decoded else "")),
    ]
    if batch.pairs is not None:
        lines.insert(1, Text.assemble(("with        ", DIM), sentence(batch.pairs[row])))
    if told := cut_in_words(batch, row):
        lines.append(Text(told, style=BAD))
    return lines


def _table(batch: Input, row: int, most: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM)
    for title, justify in (
        ("", "right"),
        ("token", "left"),
        ("id", "right"),
        ("word", "left"),
        ("characters", "right"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    table.add_column("segment", justify="right")
    table.add_column("mask", justify="right")
    table.add_column("")
    words, special = batch.words, batch.special
    spans = _word_spans(batch, row)
    names = {name for name, added in zip(batch.tokens[row], special[row] if special else (), strict=False) if added}
    for place, token in enumerate(token_texts(batch, row)[:most]):
        segment, seen = batch.token_type_ids[row][place], batch.attention_mask[row][place]
        start, end = batch.offsets[row][place]
        side = batch.sides(row)[place]
        text = batch.pairs[row] if batch.pairs is not None and side else batch.texts[row]
        is_special = bool(special[row][place]) if special else start == end
        typed = batch.tokens[row][place] in names
        note = "padding" if not seen else "special" if is_special else _TYPED if typed else ""
        word = words[row][place] if words else None
        start_word, end_word = (start, end) if word is None else spans[side, word]
        table.add_row(
            Text(str(place), style=DIM),
            Text(sentence(token), style=NAME if not is_special else DIM),
            Text(str(batch.input_ids[row][place])),
            Text(sentence(text[start_word:end_word])),
            Text("" if is_special else f"{start}-{end}", style=DIM),
            Text(str(segment)),
            Text(str(seen)),
            Text(note, style=DIM),
            style=DIM if not seen else None,
        )
    return table


_TYPED = "special, typed in the text"


def _word_spans(batch: Input, row: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Return the characters of each word of a sentence, by segment and number, from those of its pieces."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for segment, word, (start, end) in zip(
        batch.sides(row), batch.words[row] if batch.words else (), batch.offsets[row], strict=False
    ):
        if word is not None:
            first, last = spans.get((segment, word), (start, end))
            spans[segment, word] = min(first, start), max(last, end)
    return spans
