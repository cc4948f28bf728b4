"""An explanation as the page shows it: texts in pieces, rows with bars, the map of components, the curves."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from markupsafe import Markup

from ...analysis.explain.explanation import Answer, Explanation, Faithfulness
from ...safetext import safe_text
from ..explain import said
from ..explain.by_component import blocks_of_components, layer_biases, neuron_lines
from ..explain.by_layer import layer_columns, layer_notes
from ..explain.by_token import blocks_of, title_of, totals_in_words
from ..explain.digits import decimals, signed
from ..explain.page import notes
from ..explain.rows import Row, bias_rows, component_rows, token_groups
from ..explain.sum_rows import KINDS, Block, kinds_in
from ..explain.svg.check import chart_svg
from ..explain.texts import Piece, lines
from ..explain.view import View
from .document import light_on_paper
from .mapped import NumberRow, map_of, shade
from .told import Bar, Check, Shaded, Table, Told, Why

SENTENCES = 32
_PLAIN: Final = View()


def why_of(explanation: Explanation, view: View = _PLAIN) -> Why:
    """Return what the page shows of an explanation."""
    shown = explanation.answers if view.all else explanation.answers[:SENTENCES]
    make = {"token": _by_token, "component": _by_component, "layer": _by_layer}[explanation.by]
    told = []
    for place, answer in enumerate(shown):
        base = Told(
            number=str(answer.sentence + 1) if len(explanation.answers) > 1 else "",
            heading=said.heading(explanation, answer),
            title=safe_text(said.title(explanation, answer)),
            legend=said.for_and_against(explanation, answer),
            check=None if answer.faithfulness is None else _check(answer.faithfulness, f"check-{place + 1}"),
        )
        told.append(make(explanation, answer, view, base))
    return Why(
        noise=said.noise(explanation.model),
        notes=notes(explanation),
        answers=told,
        more=len(explanation.answers) - len(shown),
    )


def _by_token(explanation: Explanation, answer: Answer, view: View, base: Told) -> Told:
    groups = token_groups(explanation.input, answer, words=view.words)
    rows, biases = [row for group in groups for row in group.rows], bias_rows(answer)
    digits = decimals(row.share for row in [*rows, *biases])
    texts = [
        (title_of(explanation, groups, group), _shaded(line.pieces, line.sentence, digits))
        for line, group in zip(lines(explanation.input, groups), groups, strict=True)
    ]
    return replace(
        base,
        texts=texts,
        tables=list(_tables(blocks_of(explanation, answer, view), digits, split=view.split)),
        totals=totals_in_words(rows, biases, digits),
        sums=said.sums(answer, digits),
    )


def _by_component(explanation: Explanation, answer: Answer, view: View, base: Told) -> Told:
    found = answer.components
    if found is None:
        return base
    digits = decimals(row.share for row in component_rows(answer))
    biases = layer_biases(answer, len(found.heads))
    heads = max(map(len, found.heads), default=0)
    columns = [*map(str, range(heads)), "ff", "biases"]
    titles = [*(f"head {head}" for head in range(heads)), "feed-forward", "biases"]
    rows = [
        NumberRow(mark=str(layer), name=f"layer {layer}", numbers=[*shares, found.feed_forward[layer], biases[layer]])
        for layer, shares in enumerate(found.heads)
    ]
    caption = "What each head, feed-forward part (ff) and bias adds by its direct path"
    return replace(
        base,
        map=map_of(rows, columns, caption=caption, corner="head", cell=titles.__getitem__, digits=digits)
        if heads
        else None,
        tables=list(_tables(blocks_of_components(answer, view), digits)),
        neurons=neuron_lines(found, digits),
        sums=said.sums(answer, digits),
    )


def _by_layer(explanation: Explanation, answer: Answer, view: View, base: Told) -> Told:
    places, values, shares, answers = layer_columns(explanation, answer)
    drawn = bars_of(
        [Row(name=place, share=float(row.value)) for place, row in zip(places[1:], answer.layers, strict=True)]
    )
    rows = [
        (replace(bar, share=value), share, name)
        for bar, value, share, name in zip(drawn, values[1:], shares[1:], answers[1:], strict=True)
    ]
    return replace(base, layer_titles=(values[0], shares[0], answers[0]), layers=rows, notes=layer_notes(answer))


def _shaded(pieces: Sequence[Piece], sentence: int, digits: int) -> list[Shaded]:
    found = []
    for place, piece in enumerate(pieces):
        before = pieces[place - 1] if place else None
        beside = before is not None and "inserted" in (piece.kind, before.kind)
        found.append(
            Shaded(
                text=piece.text,
                kind=piece.kind,
                shade=shade(piece.strength) if piece.tells else "",
                said=f"{piece.text} {signed(piece.share, digits)}" if piece.tells else "",
                key=f"{sentence}-{piece.places[0]}" if piece.tells else "",
                apart=beside and before is not None and not before.text.endswith(" ") and piece.text[:1] != " ",
            )
        )
    return found


def _tables(blocks: Sequence[Block], digits: int, *, split: bool = False) -> Iterator[Table]:
    rows = [row for block in blocks for row in block.rows]
    kinds = kinds_in(rows) if split else []
    drawn = iter(bars_of(rows, digits, kinds))
    for block in blocks:
        yield Table(
            title=block.title, columns=tuple(KINDS[kind] for kind in kinds), rows=[next(drawn) for _ in block.rows]
        )


def bars_of(rows: Sequence[Row], digits: int = 4, kinds: Sequence[int] = ()) -> list[Bar]:
    """Return rows with their bars."""
    known = [row.share for row in rows if not row.others and math.isfinite(row.share)]
    least, most = min([0.0, *known]), max([0.0, *known])
    unit = 100 / ((most - least) or 1.0)
    zero = -least * unit
    bars = []
    for row in rows:
        length = abs(row.share) * unit if math.isfinite(row.share) and not row.others else 0.0
        told = [row.kinds[kind] if row.kinds else None for kind in kinds]
        bars.append(
            Bar(
                name=row.name,
                share=signed(row.share, digits),
                place="" if row.place is None else str(row.place),
                key="" if row.place is None else f"{row.sentence}-{row.place}",
                kinds=tuple("" if share is None else signed(share, digits) for share in told),
                quiet=bool(row.others or row.special),
                begins=f"{zero - (length if row.share < 0 else 0):.2f}",
                length=f"{length:.2f}",
                zero=f"{zero:.2f}",
                side="for" if row.share > 0 else "against",
            )
        )
    return bars


def _check(found: Faithfulness, name: str) -> Check:
    return Check(
        verdict=said.verdict(found),
        counted=said.counted(found),
        curves=said.curve_title(found),
        chart=Markup(light_on_paper(chart_svg(found, name=name))),
        tables=[
            (
                title,
                note,
                [f"{100 * part:.0f} %" for part in found.bins],
                [
                    (said.order_name(order), [said.share_in(value, found) for value in values])
                    for order, values in zip(found.orders, numbers, strict=True)
                ],
            )
            for title, numbers, note in said.benchmarks(found)
        ],
    )
