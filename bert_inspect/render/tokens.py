"""The tokenizer's part: each token with its id, word, place in the text, segment and mask."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..record import Input
from ..safetext import safe_text
from .words import BAD, DIM, NAME, plural


def tokens(batch: Input) -> Group:
    """Return a table for each sentence, with the text before and after tokenizing."""
    parts: list[RenderableType] = []
    for row in range(len(batch.texts)):
        parts += [*_texts(batch, row), Text(), _table(batch, row), Text()]
    return Group(*parts[:-1])


def _texts(batch: Input, row: int) -> list[Text]:
    lines = [
        Text.assemble((f"sentence {row + 1}  ", NAME), safe_text(batch.texts[row])),
        Text.assemble(("tokenized   ", DIM), safe_text(batch.decoded[row] if batch.decoded else "")),
    ]
    if batch.pairs is not None:
        lines.insert(1, Text.assemble(("with        ", DIM), safe_text(batch.pairs[row])))
    if batch.truncated[row]:
        lines.append(Text(f"{plural(batch.truncated[row], 'token')} cut from its end", style=BAD))
    return lines


def _table(batch: Input, row: int) -> Table:
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
    for place, token in enumerate(batch.tokens[row]):
        segment, seen = batch.token_type_ids[row][place], batch.attention_mask[row][place]
        start, end = batch.offsets[row][place]
        text = batch.pairs[row] if batch.pairs is not None and segment else batch.texts[row]
        is_special = bool(special and special[row][place]) or (start == end)
        note = "padding" if not seen else "special" if is_special else ""
        if words and words[row][place] is not None:
            start_word, end_word = _word_span(batch, row, place)
            word = text[start_word:end_word]
        else:
            word = text[start:end]
        table.add_row(
            Text(str(place), style=DIM),
            Text(safe_text(token), style=NAME if not is_special else DIM),
            Text(str(batch.input_ids[row][place])),
            Text(safe_text(word)),
            Text("" if is_special else f"{start}-{end}", style=DIM),
            Text(str(segment)),
            Text(str(seen)),
            Text(note, style=DIM),
            style=DIM if not seen else None,
        )
    return table


def _word_span(batch: Input, row: int, place: int) -> tuple[int, int]:
    """Return the characters of the word that a token is a piece of."""
    word, segment = batch.words[row][place], batch.token_type_ids[row][place]
    spans = [
        span
        for span, other, type_id in zip(batch.offsets[row], batch.words[row], batch.token_type_ids[row], strict=True)
        if other == word and other is not None and type_id == segment
    ]
    return min(start for start, _ in spans), max(end for _, end in spans)
