"""What the model answered, as the page shows it: for each kind of head a template and what it is filled with."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...safetext import safe_text
from ...traces.output import Output
from ...traces.record import Trace
from ...traces.values import Number
from ..answers import notes, title
from ..outcome import choices, entities, masks, replaced, similarity, spans
from ..outcome.by_task import outcome_of
from ..outcome.frame import texts_of
from ..outcome.meaning import NO_ANSWER, bare, fine_percent, means_something, percent
from ..words import number
from .classes import predictions
from .facts import SENTENCES

_ROWS = 200
_MASKS = 48
_SHADES = 8


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A template with what it shows (``told``); ``nothing`` says why that means nothing, where it does not, and
    ``more`` counts what has no room.
    """

    title: str
    template: str
    told: Any
    notes: list[str]
    nothing: str
    means_something: bool
    more: int = 0


def filled(trace: Trace) -> Filled | None:
    """Return what the page shows of a model's answers, None where it gave none."""
    if trace.output is None:
        return None
    meant = means_something(trace.model)
    template, told, more = _filling(trace)(trace, trace.output)
    if template == _CLASSES and not told["predictions"]:
        return None
    return Filled(
        title=title(trace).capitalize() if trace.output.pooled or template != _SIMILARITY else "Output",
        template=template,
        told=told,
        notes=notes(trace),
        nothing="" if meant else NO_ANSWER[trace.model.weights],
        means_something=meant,
        more=more,
    )


def _filling(trace: Trace) -> Callable[[Trace, Output], tuple[str, Any, int]]:
    return _BY_PICTURE.get(outcome_of(trace).shown, _classes)


def _classes(trace: Trace, output: Output) -> tuple[str, Any, int]:
    return _CLASSES, {"predictions": predictions(trace)}, 0


def _entities(trace: Trace, output: Output) -> tuple[str, Any, int]:
    found = entities.entities(trace, output)
    listed = [one for ones in found for one in ones]
    several = len(found) > 1
    told = {
        "texts": [entities.marked(trace, row, ones) for row, ones in enumerate(found[:SENTENCES])],
        "more_texts": max(0, len(found) - SENTENCES),
        "titles": [
            *([_title("sentence", number=True)] if several else []),
            *(_title("entity"), _title("label"), _title("probability", number=True), _title("characters", number=True)),
        ],
        "swatch": 2 if several else 1,
        "rows": [
            {
                "cells": [
                    *([f"{one.row + 1}{', second text' if one.side else ''}"] if several else []),
                    *(safe_text(one.text), one.label, one.score, f"{one.start}-{one.end}"),
                ],
                "colour": one.colour,
                "strong": False,
            }
            for one in listed[:_ROWS]
        ],
        "more_rows": max(0, len(listed) - _ROWS),
        "none": "" if listed else "no entity: every token is outside of one",
    }
    return _ENTITIES, told, 0


def _replaced(trace: Trace, output: Output) -> tuple[str, Any, int]:
    rows = range(min(len(output.tokens), SENTENCES))
    several = len(output.tokens) > 1
    told = {
        "texts": [replaced.marked(trace, output, row) for row in rows],
        "more_texts": max(0, len(output.tokens) - SENTENCES),
        "titles": [
            *([_title("sentence", number=True)] if several else []),
            *(_title("most suspicious"), _title("token", number=True), _title("replaced", number=True)),
        ],
        "swatch": 0,
        "rows": [
            {
                "cells": [*([str(row + 1)] if several else []), one.token, str(one.place), percent(one.probability)],
                "colour": None,
                "strong": one.replaced and means_something(trace.model),
            }
            for row in rows
            for one in replaced.most_suspicious(trace, output, row)
        ],
        "more_rows": 0,
        "none": "",
    }
    return _ENTITIES, told, 0


def _title(name: str, *, number: bool = False) -> Mapping[str, Any]:
    return {"name": name, "number": number}


def _spans(trace: Trace, output: Output) -> tuple[str, Any, int]:
    told = [
        {
            "question": spans.question(trace, row),
            "answer": answer.name,
            "score": answer.score,
            "context": spans.context(trace, output, row),
            "starts": _places(trace, output.start_logits, row) if output.answers[row].text else [],
            "ends": _places(trace, output.end_logits, row) if output.answers[row].text else [],
        }
        for row, answer in enumerate(spans.answers(trace, output)[:SENTENCES])
    ]
    return _SPANS, told, max(0, len(output.answers) - SENTENCES)


def _places(trace: Trace, logits: list[list[Number]], row: int) -> list[Mapping[str, Any]]:
    return [
        {
            "token": one.token,
            "place": one.place,
            "none": one.none,
            "share": one.probability,
            "percent": percent(one.probability),
        }
        for one in spans.places(trace, logits, row)
    ]


def _masks(trace: Trace, output: Output) -> tuple[str, Any, int]:
    meant, batch = means_something(trace.model), trace.input
    told = []
    for row in dict.fromkeys(mask.sentence for mask in output.masks[:_MASKS]):
        found = masks.masks_of(output, row)
        cards = []
        for place, mask in enumerate(found):
            name = masks.title_of(trace, mask, place, len(found))
            tokens = [
                {
                    "token": masks.candidate(one, batch, meant=meant),
                    "share": bare(one.probability),
                    "percent": fine_percent(one.probability),
                }
                for one in mask.tokens
            ]
            cards.append({"name": name.name, "which": name.which, "tokens": tokens})
        texts = [safe_text(text) for text in texts_of(trace, row)]
        pair = texts[1] if len(texts) > 1 else None
        told.append({"number": row + 1, "text": texts[0], "pair": pair, "masks": cards})
    held = sum(len(sentence["masks"]) for sentence in told)  # type: ignore[misc,arg-type]
    several = {"sentences": told, "number": len(batch.texts) > 1, "predictions": [], "pair_title": ""}
    return _MASKS_TEMPLATE, several, max(0, len(output.masks) - held)


def _pre_training(trace: Trace, output: Output) -> tuple[str, Any, int]:
    template, told, more = _masks(trace, output)
    if trace.input.pairs is None:
        return template, told, more
    return template, {**told, "predictions": predictions(trace), "pair_title": "The pair"}, more


def _choices(trace: Trace, output: Output) -> tuple[str, Any, int]:
    found, meant = choices.choices(trace, output), means_something(trace.model)
    prompts = choices.prompts(trace)
    one = len(prompts) == 1
    told = {
        "prompts": prompts if one else [],
        "choices": [
            {
                "text": each.text if one or not prompts else f"{safe_text(trace.input.texts[place])} {each.text}",
                "percent": percent(each.probability),
                "share": bare(each.probability),
                "logit": number(each.logit),
                "best": each.best and meant,
            }
            for place, each in enumerate(found[:_ROWS])
        ],
    }
    return "outcome/choices.html.j2", told, max(0, len(found) - _ROWS)


def _similarity(trace: Trace, output: Output) -> tuple[str, Any, int]:
    told: dict[str, Any] = {"hidden_states": similarity.hidden_states(trace), "rows": [], "pairs": [], "closest": ""}
    if output.pooled is None or len(output.pooled.cosine) < 2:
        return _SIMILARITY, told, 0
    cosine = output.pooled.cosine
    count = min(len(cosine), similarity.MOST)
    told["rows"] = [
        {
            "text": " with ".join(safe_text(text) for text in texts_of(trace, row)),
            "cells": [
                {"text": similarity.written(cosine[row][column]), "shade": _shade(cosine[row][column], row == column)}
                for column in range(count)
            ],
        }
        for row in range(count)
    ]
    told["pairs"] = [
        {"name": f"{pair.a + 1} and {pair.b + 1}", "cosine": number(pair.cosine)}
        for pair in similarity.closest(output.pooled)
    ]
    told["closest"] = " ".join(f"{one.name} {one.score}" for one in similarity.answers(trace, output))
    return _SIMILARITY, told, len(cosine) - count


def _shade(value: Number, itself: bool) -> str:
    """Return how strong the colour of a cell is, 0 where it has none."""
    cosine = float(value)
    if itself:
        return "itself"
    return "0" if not cosine > 0 else str(min(_SHADES, math.ceil(cosine * _SHADES)))


_CLASSES = "outcome/classes.html.j2"
_ENTITIES = "outcome/entities.html.j2"
_SPANS = "outcome/spans.html.j2"
_MASKS_TEMPLATE = "outcome/masks.html.j2"
_SIMILARITY = "outcome/similarity.html.j2"
_BY_PICTURE: Mapping[Any, Callable[[Trace, Output], tuple[str, Any, int]]] = {
    entities.shown: _entities,
    replaced.shown: _replaced,
    spans.shown: _spans,
    masks.shown: _masks,
    masks.pre_training: _pre_training,
    choices.shown: _choices,
    similarity.shown: _similarity,
}
"""By what shows the same in a terminal."""
