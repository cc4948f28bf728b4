"""The HTML page, from its template: no reference to anything outside it, and a policy that forbids one."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from msgspec import structs

from ...analysis.attention import LayerAttention
from ...analysis.effects.record import Effects
from ...analysis.explain.explanation import Explanation
from ...cells.record import Opened
from ...families import family_of
from ...profiles.placement.placement import Placement
from ...safetext import safe_document, safe_text
from ...traces.record import Trace
from ...traces.sentences import names_of_special
from ...traces.token_text import token_texts
from ...traces.tree import relaid_from
from ..effects.view import View
from ..heads.page import CAUTION, certificate
from ..words import plural
from .cells import cells_data
from .document import in_script, inlined, light_on_paper, policy, template
from .edited import effects_of
from .facts import facts, others, sentences
from .heads import fit, heads_data
from .labels import label_names
from .outcome import filled
from .placed import placed_of
from .sources import code_data
from .tensors import heads_that_fit, tensors_data
from .why import why_of

_STYLES = ("page.css", "explain.css", "effects/effects.css", "corpus/placed.css", "walk/walk.css")
_SCRIPTS = (
    "dom.js",
    "heatmap.js",
    "tree.js",
    "code.js",
    "values.js",
    "arithmetic.js",
    "step.js",
    "lines.js",
    "head_map.js",
    "attention.js",
    "diagram.js",
    "explain.js",
    "main.js",
)


def report_html(
    trace: Trace,
    layers: Sequence[LayerAttention],
    *,
    left_out: Sequence[str] = (),
    diagram: str | None = None,
    explanation: Explanation | None = None,
    effects: Effects | None = None,
    placed: Placement | None = None,
    opened: Opened | None = None,
    walk: str | None = None,
) -> str:
    """Return the page on a whole run.

    Args:
        trace: the run.
        layers: the attention to show, possibly none.
        left_out: sentences on what the page does not hold, and why.
        diagram: the dataflow as SVG, its boxes with the attribute ``data-step``.
        explanation: why the model answers as it does, by token.
        effects: what each head does to the answers.
        placed: where the run lies in a corpus.
        opened: the cells whose arithmetic can be opened; None where none can.
        walk: the guided tour, as `render.walk` makes it a part of a page.
    """
    bare = structs.replace(trace, steps=[_without_values(step) for step in trace.steps])
    stack = heads_that_fit(trace)
    data = {
        "trace": bare,
        "values": tensors_data(trace, stack),
        "labels": label_names(trace),
        "code": code_data(trace),
        "cells": None if opened is None else cells_data(trace, opened),
        "relaid": list(relaid_from(trace.steps).items()),
    }
    notes = [*left_out, *_values_note(trace, stack)]
    return _page(
        trace,
        layers,
        data,
        title=f"{family_of(trace.model.family).name}, step by step",
        notes=notes,
        diagram=diagram,
        explanation=explanation,
        effects=effects,
        placed=placed,
        walk=walk,
    )


def attention_html(trace: Trace, layers: Sequence[LayerAttention], *, layer: int, head: int | None) -> str:
    """Return the page on attention alone, with one head of a layer (None: their mean) enlarged."""
    trace = structs.replace(trace, selection={})  # what was kept for this page was not chosen by the user
    data = {"trace": structs.replace(trace, steps=[]), "values": {}, "code": {"functions": [], "calls": {}}}
    chosen = {"layer": layer, "head": head}
    return _page(
        trace,
        layers,
        data,
        title=f"Where {family_of(trace.model.family).name} looks",
        notes=(),
        diagram=None,
        chosen=chosen,
    )


def _page(
    trace: Trace,
    layers: Sequence[LayerAttention],
    data: dict[str, Any],
    *,
    title: str,
    notes: Sequence[str],
    diagram: str | None,
    chosen: dict[str, int | None] | None = None,
    explanation: Explanation | None = None,
    effects: Effects | None = None,
    placed: Placement | None = None,
    walk: str | None = None,
) -> str:
    notes = list(notes)
    names = [token_texts(trace.input, row) for row in range(len(trace.input.tokens))]
    data = {"attention": None, "chosen": chosen, "tokens": names, **data}
    if layers:
        held = fit(layers)
        data["attention"] = {
            "special": [safe_text(name) for name in names_of_special(trace.input)],
            "tokens": held.tokens,
            "layers": heads_data(trace, layers, held),
        }
        count, _, tokens, _ = layers[0].probabilities.shape
        if held.sentences < count or held.tokens < tokens:
            tokens_told = f" and of it the first {held.tokens} of {tokens} tokens" if held.tokens < tokens else ""
            notes.append(
                f"attention: {plural(held.sentences, 'sentence')} of {count}{tokens_told}; "
                "the page has no room for more; choose fewer layers with --layer"
            )
    diagram = None if diagram is None else light_on_paper(diagram)
    style, script = inlined(_STYLES, _SCRIPTS)
    why = None if explanation is None else why_of(explanation)
    drawn = (diagram or "") + (walk or "") + ("" if why is None else why.pictures)
    inner = re.findall(r"<style>(.*?)</style>", drawn, re.DOTALL)
    page = template("page.html.j2").render(
        title=title,
        name=safe_text(trace.model.name or trace.model.class_),
        policy=policy([style, *inner], [script]),
        style=Markup(style),
        script=Markup(script),
        data=Markup(in_script(data)),
        facts=facts(trace),
        sentences=sentences(trace),
        others=others(trace),
        outcome=filled(trace),
        why=why,
        effects=None if effects is None else effects_of(effects, View()),
        placed=None if placed is None else placed_of(placed, trace.input),
        failure=trace.failure,
        whole=bool(data["trace"].steps),
        attention=bool(layers),
        certificate=certificate(layers).plain.replace("\n", "; ") if layers else "",
        caution=CAUTION,
        notes=notes,
        diagram=None if diagram is None else Markup(diagram),
        walk=None if walk is None else Markup(walk),
    )
    return safe_document(page)


def _without_values(step: Any) -> Any:
    if all(tensor.values is None for tensor in step.outputs):
        return step
    return structs.replace(step, outputs=[structs.replace(tensor, values=None) for tensor in step.outputs])


def _values_note(trace: Trace, stack: int) -> list[str]:
    if trace.model.weights == "none":
        return ["statistics and values: without weights there are only shapes"]
    outputs = [tensor for step in trace.steps for tensor in step.outputs]
    told = []
    if all(tensor.stats is None for tensor in outputs):
        told.append("statistics: not recorded in this run; --stats records them")
    if all(tensor.values is None for tensor in outputs):
        told.append("values: not recorded in this run; --values records them")
    elif any(tensor.values is not None and max(tensor.shape, default=0) > _WHOLE for tensor in outputs):
        heads = _heads_in(trace)
        few = f" and {plural(stack, 'head')} of {heads}" if stack < heads else ""
        told.append(
            f"values: of each matrix the first and last 12 rows and columns, of the first two sentences{few}; "
            "run --tensors FILE saves them whole"
        )
    return told


def _heads_in(trace: Trace) -> int:
    """Return how many heads a step has at most of which the trace holds values."""
    found = [
        tensor.shape[tensor.axes.index("heads")]
        for step in trace.steps
        for tensor in step.outputs
        if tensor.values is not None and tensor.axes and "heads" in tensor.axes
    ]
    return max(found, default=0)


_WHOLE = 24
"""Up to this size an axis is held whole."""
