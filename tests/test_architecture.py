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


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """The rooms and packages that a file imports, each with whether that is at once; imports for types count too."""
    package = [*file.relative_to(PACKAGE.parent).with_suffix("").parts][:-1]
    tree = ast.parse(file.read_text())
    guarded = [
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    ]
    types = {id(inner) for node in guarded for inner in ast.walk(node)}
    inside = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        at_once = id(node) not in types | inside
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


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(file: Path) -> None:
    room = room_of(file.relative_to(PACKAGE).with_suffix("").parts)
    for name, at_once in imports(file):
        if name in STANDARD or name == room:
            continue
        assert name in ROOMS[room], f"{room} imports {name}"
        assert not at_once or name not in LATER.get(room, set()), f"{room} imports {name} at once"


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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["show", "{trace}"],
        ["show", "{trace}", "--json"],
        ["diff", "{trace}", "{trace}"],
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
        ["tokens", "--trace", "{trace}"],
        ["source", "attention.self", "--trace", "{trace}"],
        ["source", "bert.pooler.dense", "--trace", "{trace}"],
        ["diagram", "--trace", "{trace}"],
        ["diagram", "--trace", "{trace}", "-o", "{trace}.svg"],
        ["diagram", "--trace", "{trace}", "--module", "attention.self", "-o", "{trace}.png"],
    ],
    ids=" ".join,
)
def test_what_needs_no_torch_does_not_import_it(
    traced: bert_inspect.Trace, tmp_path: Path, arguments: list[str]
) -> None:
    file = tmp_path / "trace.json"
    # Values are compared with numpy; without them there is nothing that needs it.
    without_values(traced).save(file)
    arguments = [argument.format(trace=file) for argument in arguments]
    code = f"import sys; from bert_inspect.__main__ import run; run({arguments}); print(); print(sorted(sys.modules))"
    loaded = ast.literal_eval(fresh(code).splitlines()[-1])
    assert not {"torch", "transformers", "numpy"} & set(loaded)


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
