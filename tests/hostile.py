"""JSON that was changed by hand: strategies for the property tests and for the fuzzer, and what a trace must stand."""

import copy
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from rich.console import Console

from bert_inspect import Trace
from bert_inspect.diff import diff
from bert_inspect.errors import BertInspectError
from bert_inspect.render.comparison.page import DiffPage, DiffView
from bert_inspect.render.page import page
from bert_inspect.render.tokens import tokens
from bert_inspect.render.tree import View
from bert_inspect.safetext import is_unsafe
from bert_inspect.traces.finished import finished_line
from bert_inspect.traces.selection import Selection, narrowed
from bert_inspect.tui.banner import banner
from bert_inspect.tui.tabs.dataflow import lines
from bert_inspect.tui.tabs.slices import Chosen, Slice
from bert_inspect.tui.where import where_line

Place = tuple[Any, ...]

_RIGHT = Trace.load(Path(__file__).parent / "render" / "golden" / "trace.json")

WORDS = [
    "",
    "layer.0",
    "[/x]",
    "\x1b[2J",
    "\u202e",
    "\x00",
    "NaN",
    "-Infinity",
    "op",
    "module",
    "\ud800",
    "bert",
    "batch",
]
WORDS += ["bert.encoder.layer.0.attention.self", "layer." + "9" * 5000, "a." * 300, "float16", "\u0301" * 50]
words = st.sampled_from(WORDS)
numbers = (
    st.integers(-3, 5)
    | st.sampled_from([2**31, 2**63, 2**64, 10**400, -(10**30), 1e308, -1e-320, 0.5, 1e16, -0.0])
    | st.floats(allow_nan=False, allow_infinity=False)
)
scalars = st.none() | st.booleans() | numbers | words | st.text(max_size=6)
things = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words | st.text(max_size=6), inner, max_size=2)
        | st.builds(lambda item, times: [item] * times, inner, st.integers(10, 300))
    ),
    max_leaves=8,
) | st.builds(lambda depth: json.loads("[" * depth + "]" * depth), st.integers(3, 500))


LIKE: dict[type, st.SearchStrategy[Any]] = {
    str: words | st.text(max_size=6),
    bool: st.booleans(),
    int: st.integers(-3, 70) | st.sampled_from([2**31, 2**63 - 1, 2**64]),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.just("NaN"),
    list: st.lists(scalars, max_size=3),
    dict: st.dictionaries(words, scalars, max_size=3),
}
"""What may stand in the place of a value of the same kind: most of it gets past the first look."""


def places(thing: Any) -> list[Place]:
    """Every place in a JSON value, but of values, of which there are thousands alike, only the first few."""
    found: list[Place] = []
    stack: list[tuple[Place, Any]] = [((), thing)]
    while stack:
        path, inside = stack.pop()
        if path:
            found.append(path)
        if isinstance(inside, dict):
            stack += [((*path, key), item) for key, item in inside.items()]
        elif isinstance(inside, list):
            stack += [((*path, index), item) for index, item in enumerate(inside[: 2 if "values" in path else 40])]
    return found


def at(thing: Any, path: Place) -> Any:
    """Return what stands at a place, None where an earlier change has taken the place away."""
    for key in path:
        try:
            thing = thing[key]
        except (LookupError, TypeError):
            return None
    return thing


@st.composite
def changed(draw: st.DrawFn, original: Any, where: list[Place]) -> Any:
    """A JSON value that differs from the original in a few places: replaced, removed, doubled, or taken elsewhere."""
    result = copy.deepcopy(original)
    parts: dict[Any, list[Place]] = {}
    for path in where:
        parts.setdefault(path[0] if len(path) > 1 else None, []).append(path)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        path = draw(st.sampled_from(parts[draw(st.sampled_from(list(parts)))]))  # no part is too small to be hit
        inside, key = at(result, path[:-1]), path[-1]
        if not isinstance(inside, dict if isinstance(key, str) else list) or (
            isinstance(inside, list) and key >= len(inside)
        ):
            continue
        how = draw(st.sampled_from(["like", "like", "like", "replace", "remove", "double", "move"]))
        if how == "like":
            inside[key] = draw(LIKE.get(type(at(inside, (key,))), things))
        elif how == "replace":
            inside[key] = draw(things)
        elif how == "move":
            inside[key] = copy.deepcopy(at(result, draw(st.sampled_from(where))))
        elif how == "remove" and (isinstance(inside, list) or key in inside):
            del inside[key]
        elif how == "double" and isinstance(inside, list):
            inside.insert(key, copy.deepcopy(inside[key]))
    return result


@st.composite
def torn(draw: st.DrawFn, text: bytes) -> bytes:
    """A file of which bytes were lost, changed or put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 1, 2, 10, 1000, 10**9])))
        put = st.binary(max_size=4) | st.sampled_from(
            [b'"', b",", b"]", b"[" * 2000, b"1e999", b"\\ud800", b"-", b"null"]
        )
        text = text[:start] + draw(put) + text[end:]
    return text


def as_json(value: Any) -> bytes:
    """Return JSON as bytes; a lone surrogate is written as the escape that JSON has for it."""
    return json.dumps(value).encode()


def stand(text: bytes) -> None:
    """Do with the bytes of a trace file what the commands do.

    The file is refused in our words, or all goes well: whatever else is raised here would have been an "unexpected
    failure" for the user.
    """
    with suppress(BertInspectError):
        finished_line(text, name="line 1 of the file")
    with suppress(BertInspectError):
        shown(Trace.from_json(text))


def shown(trace: Trace) -> None:
    """Show, narrow and save a trace that was read, in all the ways there are."""
    for width in (20, 120, 200):
        console = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
        for view in (View(stats=True, values=True, fold=True), View(axes=True, depth=4), View(stats=True)):
            console.print(page(trace, view))
        if width == 120:
            console.print(tokens(trace.input))
        assert not {sign for sign in set(console.file.getvalue()) if is_unsafe(sign)} - {"\n"}  # type: ignore[attr-defined]
    explored(trace)
    assert repr(trace).isprintable()
    text = b"".join(trace.json())
    again = Trace.from_json(text)
    assert again == trace and b"".join(again.json()) == text and Trace.from_json(trace.line()) == trace
    for a, b in ((trace, _RIGHT), (_RIGHT, trace), (trace, trace)):
        found = diff(a, b)
        console = Console(file=io.StringIO(), width=80, highlight=False, markup=False, emoji=False)
        console.print(DiffPage(found, DiffView(all=True)))
        assert not {sign for sign in set(console.file.getvalue()) if is_unsafe(sign)} - {"\n"}  # type: ignore[attr-defined]
        assert json.loads(found.json()) and found.verdict
    for selection in (Selection.parse(layer="0"), Selection.parse(module=["**.self"]), Selection(level="module")):
        try:
            few = narrowed(trace, selection)
        except BertInspectError:
            continue
        assert Trace.from_json(b"".join(few.json())) == few


def explored(trace: Trace) -> None:
    """Look at a trace that was read as `explore` does, without the screen."""
    told = [banner(trace, 0).plain]
    for step in trace.steps:
        told += [where_line(step).plain, *(text.plain for text, _ in lines(trace, step))]
        for output in step.outputs:
            if output.values is None:
                continue
            seen = Slice(trace, output, Chosen(places={"batch": 1, "heads": 1}))
            told += [seen.lead_name(lead) for lead in seen.leads]
            if not seen.empty:
                assert seen.largest(step.label) >= 0
                row, column = len(seen.rows) - 1, len(seen.columns) - 1
                assert seen.number(row, column) is not None
                told += [seen.row_name(row), seen.column_name(column)]
    assert not [sign for text in told for sign in text if is_unsafe(sign) and sign != "\n"]
