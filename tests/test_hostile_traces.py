"""A trace file that somebody changed by hand is shown, or refused in one line; it never makes the program stumble."""

import io
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from bert_inspect import Trace
from bert_inspect.errors import BertInspectError
from bert_inspect.render.page import page
from bert_inspect.render.tokens import tokens
from bert_inspect.render.tree import View
from bert_inspect.selection import Selection, narrowed

SAVED = (Path(__file__).parent / "render" / "golden" / "trace.json").read_text()

texts = st.text(max_size=6) | st.sampled_from(["layer.0", "[/x]", "\x1b[2J", "hidden_states", "NaN", "op", "module"])
scalars = st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts
things = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2))


def places(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, but for the inside of values and ids, of which there are too many alike."""
    found = [path] if path else []
    if isinstance(thing, dict):
        pairs = [(key, item) for key, item in thing.items() if key != "config"]
    elif isinstance(thing, list):
        pairs = list(enumerate(thing))[:40]
    else:
        return found
    return found + [inner for key, item in pairs for inner in places(item, (*path, key))]


PLACES = places(json.loads(SAVED))


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(PLACES), things), min_size=1, max_size=3), st.booleans())
def test_a_changed_trace_is_shown_or_refused(changes: list[tuple[tuple[Any, ...], Any]], remove: bool) -> None:
    changed = json.loads(SAVED)
    for path, thing in changes:
        inside = changed
        for key in path[:-1]:
            if not isinstance(inside, dict | list) or (isinstance(inside, list) and key >= len(inside)):
                return
            inside = inside[key] if isinstance(inside, list) else inside.get(key)
        if not isinstance(inside, dict | list) or (isinstance(inside, list) and not isinstance(path[-1], int)):
            return
        if isinstance(inside, list) and path[-1] >= len(inside):
            return
        if remove and isinstance(inside, dict):
            inside.pop(path[-1], None)
        else:
            inside[path[-1]] = thing
    try:
        trace = Trace.from_json(json.dumps(changed).encode())
    except BertInspectError:
        return
    for width in (40, 120):
        console = Console(file=io.StringIO(), width=width)
        for view in (View(stats=True, values=True, fold=True), View(axes=True, depth=4)):
            console.print(page(trace, view))
        console.print(tokens(trace.input))
        assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    assert Trace.from_json(b"".join(trace.json())) == trace
    for selection in (Selection.parse(layer="0"), Selection.parse(module=["**.self"]), Selection(level="module")):
        try:
            narrowed(trace, selection)
        except BertInspectError:
            continue
