"""The rooms and what each may import; and that what needs no torch does not wait for it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import TEXTS, fresh, without_values

import bert_inspect

PACKAGE = Path(bert_inspect.__file__).parent
STANDARD = sys.stdlib_module_names
TORCH = {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}
RICH = {"rich", "pygments", "jinja2", "markupsafe", "resvg_py"}
EDGE = {"errors", "files", "quoting", "safetext", "signals"}
TRACES = {"traces", "traces.vocabulary", "families"}

# For each room what it may import: other rooms (of those below it no more than is named) and packages. A room inside
# another stands here by itself where it may import less, or more; everything else in the outer room follows that.
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "quoting": {"safetext"},
    "signals": set(),
    "safetext": set(),
    "files": {"errors", "signals"},
    "traces.vocabulary": set(),
    "families": {"traces.vocabulary"},
    "traces": {"traces.vocabulary", "families", "errors", "files", "safetext", "msgspec"},
    "source_view": TRACES,
    "dataflow": TRACES,
    "layout": {"dataflow"},
    "diff": TRACES | {"errors", "msgspec", "numpy"},
    "cells": TRACES | {"errors", "diff", "msgspec", "numpy"},
    "stations": TRACES | {"errors", "cells", "source_view", "msgspec", "numpy"},
    "profiles": TRACES | {"errors", "msgspec", "numpy"},
    "corpus": {"errors", "profiles", "msgspec", "compression", "zstandard"},
    "loading": TRACES | {"errors", "msgspec"} | TORCH,
    "capture": TRACES | {"errors", "files", "corpus", "loading", "source_view", "msgspec", "numpy", "capture.naming"}
    | {"capture.tracing", "capture.verify", "profiles"} | TORCH,
    "capture.tracing": TRACES | {"errors", "capture", "capture.verify", "msgspec", "torch"},
    "capture.naming": TRACES | {"errors", "loading", "capture.tracing", "torch"},
    "capture.verify": TRACES | {"capture", "loading", "capture.naming", "capture.tracing", "torch"},
    "analysis": TRACES | {"errors", "capture", "loading", "diff", "cells", "analysis.causes", "msgspec", "numpy"},
    "analysis.causes": TRACES | {"diff", "msgspec", "numpy", "torch", "transformers"},
    "analysis.explain": TRACES | {"errors", "capture", "capture.tracing", "diff", "loading", "msgspec", "torch"},
    "analysis.effects": TRACES
    | {"errors", "analysis.explain", "capture", "capture.tracing", "diff", "loading", "profiles", "msgspec", "torch"},
    "workers": {"errors", "files", "loading", "msgspec", "pyarrow", "ray"},
    "analysis.profiling": TRACES
    | {"errors", "files", "capture", "capture.tracing", "corpus", "loading", "profiles", "msgspec", "numpy"}
    | {"numba", "torch", "workers"},
    "analysis.trace_shards": TRACES
    | {"errors", "files", "capture", "corpus", "loading", "msgspec", "workers"},
    "analysis.doctor": TRACES | {"errors", "analysis", "capture", "loading", "diff", "msgspec", "numpy", "torch"},
    "render": TRACES | {"errors", "safetext", "diff", "analysis", "source_view", "msgspec", "numpy"} | RICH
    | {"analysis.doctor", "analysis.explain", "cells", "dataflow"},
    "render.diagram": TRACES | {"safetext", "dataflow", "layout", "render", "rich"},
    "render.explain": TRACES | {"safetext", "diff", "analysis.explain", "render", "render.diagram", "rich"},
    "render.effects": TRACES
    | {"safetext", "diff", "analysis.effects", "analysis.explain", "render", "render.explain", "msgspec", "rich"},
    "render.profiles": TRACES
    | {"safetext", "diff", "profiles", "render", "render.explain", "numpy", "rich"},
    "render.walk": TRACES | {"safetext", "cells", "dataflow", "source_view", "stations", "render", "render.diagram"}
    | {"errors", "query", "render.report", "nbformat"} | RICH,
    "render.report": TRACES | {"safetext", "analysis", "analysis.explain", "source_view", "render", "render.explain"}
    | {"analysis.effects", "render.effects", "profiles", "render.profiles"}
    | {"cells", "msgspec", "numpy"} | RICH,
    "tui": TRACES | {"errors", "safetext", "diff", "dataflow", "source_view", "cells", "analysis", "analysis.explain"}
    | {"render", "render.explain", "stations", "rich", "textual"},
    "terminal": EDGE | {"rich"},
    "query": TRACES | {"errors", "safetext", "cells", "diff", "pandas"},
    "result": TRACES | {"analysis.effects", "analysis.explain", "files", "query", "render", "render.effects"}
    | {"render.explain", "profiles", "render.profiles", "safetext"},
    "tour": {"cells", "files", "stations", "render.walk"},
    "ready": TRACES | {"errors", "capture", "loading"},
    "api": TRACES | {"errors", "analysis", "analysis.effects", "analysis.explain", "analysis.profiling", "capture"}
    | {"loading", "ready", "result", "stations", "tour", "transformers"},
    "cli": TRACES | EDGE | {"terminal", "loading", "capture", "analysis", "analysis.doctor", "analysis.causes", "diff"}
    | {"analysis.effects", "analysis.profiling", "analysis.trace_shards", "corpus", "profiles", "render.effects"}
    | {"analysis.explain", "workers", "cells", "dataflow", "source_view", "render", "render.diagram", "render.explain"}
    | {"render.profiles", "render.report", "render.walk", "stations", "tui", "typer", "msgspec", "rich"},
    "__main__": EDGE | {"terminal", "cli"},
    "__init__": {"api", "errors", "result", "tour"},
}  # fmt: skip

# What starts at once may import the rest only inside of functions.
LATER = {
    "cli": {"capture", "render", "render.diagram", "render.explain", "render.report", "analysis", "analysis.causes"}
    | {"analysis.doctor", "analysis.explain", "cells", "diff", "dataflow", "source_view", "tui", "msgspec", "rich"}
    | {"render.walk", "stations", "analysis.effects", "render.effects", "analysis.profiling", "corpus", "profiles"}
    | {"render.profiles", "analysis.trace_shards", "workers"},
    "terminal": {"rich"},
    "query": {"pandas"},
    "render.walk": {"nbformat"},
    "result": {"query", "render", "render.effects", "render.explain", "render.profiles"},
    "tour": {"render.walk"},
    "api": {"analysis", "analysis.profiling", "stations", "tour"},
    "__main__": {"errors", "terminal", "safetext", "cli", "files"},
}


def room_of(parts: tuple[str, ...]) -> str:
    """The innermost room of the table that a module, or a file of one, lies in."""
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in ROOMS), parts[0])


def statements(tree: ast.AST, *, at_once: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """The statements of a tree, each with whether it runs when the file is imported."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.expr):  # in which nothing is imported
            later = isinstance(node, ast.FunctionDef) or (
                isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
            )
            yield node, at_once
            yield from statements(node, at_once=at_once and not later)


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """The rooms and packages that a file imports, each with whether that is at once; imports for types count too."""
    package = [*file.relative_to(PACKAGE.parent).with_suffix("").parts][:-1]
    for node, at_once in statements(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0], at_once
        elif isinstance(node, ast.ImportFrom):
            base = [*package[1 : len(package) - node.level + 1], *(node.module or "").split(".")]
            for alias in node.names:
                parts = tuple(part for part in (*base, alias.name) if part)
                yield room_of(parts), at_once


FILES = sorted(file for file in PACKAGE.rglob("*.py"))


@pytest.mark.slow
def test_a_room_imports_only_what_it_may() -> None:
    wrong = []
    for file in FILES:
        here = file.relative_to(PACKAGE)
        room = room_of(here.with_suffix("").parts)
        for name, at_once in imports(file):
            if name in STANDARD or name == room:
                continue
            if name not in ROOMS[room]:
                wrong.append(f"{here}: {room} imports {name}")
            elif at_once and name in LATER.get(room, set()):
                wrong.append(f"{here}: {room} imports {name} at once")
    assert wrong == []


def test_every_room_of_the_table_is_there_and_every_file_has_one() -> None:
    there = {room_of(file.relative_to(PACKAGE).with_suffix("").parts) for file in FILES}
    assert there == set(ROOMS)


def test_no_room_leads_back_to_itself() -> None:
    """But for the rooms inside ``capture``, which work together on one forward."""
    below = {room: {name for name in may if name in ROOMS} for room, may in ROOMS.items()}
    together = {"capture.tracing", "capture.naming", "capture.verify"}
    merged = {
        ("capture" if room in together else room): {"capture" if name in together else name for name in names}
        for room, names in below.items()
    }
    merged["capture"] = set().union(*(below[room] for room in (*together, "capture"))) - together - {"capture"}
    seen: set[str] = set()

    def visit(room: str, path: tuple[str, ...]) -> None:
        assert room not in path, f"{' -> '.join((*path, room))}"
        if room not in seen:
            for name in merged[room]:
                visit(name, (*path, room))
            seen.add(room)

    for room in merged:
        visit(room, ())


def test_no_module_bears_a_name_of_the_standard_library() -> None:
    own = {part for file in FILES for part in file.relative_to(PACKAGE).with_suffix("").parts}
    assert not (own - {"__init__", "__main__"}) & (STANDARD - {"builtin"})


@pytest.mark.slow
def test_what_needs_no_torch_does_not_import_it(traced: bert_inspect.Trace, tmp_path: Path) -> None:
    """All in one new process, in which the first that imports it is the culprit."""
    file = str(tmp_path / "trace.json")
    # Values are compared with numpy; without them there is nothing that needs it.
    without_values(traced).save(file)
    lines = [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["show", file],
        ["show", file, "--json"],
        ["diff", file, file],
        ["schema"],
        ["schema", "cell"],
        ["schema", "effects"],
        ["schema", "profile"],
        ["profile", "--help"],
        ["profile", "--input", "/no/such/file"],
        ["cell", "", "x"],
        ["run", "x", "--layer", "a"],
        ["run", "x", "--model", "nowhere"],
        ["run", "--input", "/no/such/file", "--json"],
        ["run", "--input", "/dev/null", "--json"],
        ["tokens", "--trace", file],
        ["source", "attention.self", "--trace", file],
        ["source", "bert.pooler.dense", "--trace", file],
        ["diagram", "--trace", file],
        ["diagram", "--trace", file, "-o", f"{file}.svg"],
        ["diagram", "--trace", file, "--module", "attention.self", "-o", f"{file}.png"],
    ]
    code = f"""
import sys
from bert_inspect.__main__ import run
found = []
for line in {lines}:
    found.append((int(run(line)), sorted({{"torch", "transformers", "numpy"}} & set(sys.modules))))
print()
print(found)
"""
    found = ast.literal_eval(fresh(code).splitlines()[-1])
    assert [(line, heavy) for line, (_, heavy) in zip(lines, found, strict=True) if heavy] == []
    assert {code for code, _ in found} == {0, 2, 3}


@pytest.mark.slow
def test_tokens_need_no_more_than_the_tokenizer_does() -> None:
    tail = "; import sys; print('torch' in sys.modules)"
    ours = fresh(f"from bert_inspect.__main__ import run; run(['tokens', *{TEXTS}])" + tail)
    theirs = fresh("import transformers.models.bert.tokenization_bert" + tail)  # newer releases do without torch
    assert ours.splitlines()[-1] == theirs.splitlines()[-1]


def test_a_saved_trace_is_read_without_torch(traced: bert_inspect.Trace, tmp_path: Path) -> None:
    traced.save(tmp_path / "t.json")
    code = f"import sys; from bert_inspect import Trace; print(Trace.load({str(tmp_path / 't.json')!r})); "
    assert fresh(code + "print('torch' in sys.modules, 'rich' in sys.modules)").splitlines() == [
        repr(traced),
        "False False",
    ]


def test_a_saved_trace_opens_on_a_full_screen_without_torch(traced: bert_inspect.Trace, tmp_path: Path) -> None:
    traced.save(tmp_path / "t.json")
    code = (
        "import sys; from bert_inspect.cli.explored import of_saved; from bert_inspect.cli.options import TextOptions; "
        "from bert_inspect.traces.selection import Selection; from bert_inspect.tui.app import Explorer; "
        f"Explorer(of_saved(TextOptions(trace={str(tmp_path / 't.json')!r}), Selection())); "
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert fresh(code) == "[]\n"
