"""The rooms and what each may import; and that what needs no torch does not wait for it."""

import ast
import sys
from pathlib import Path

import pytest
from helpers import TEXTS, fresh, without_values

import bert_inspect

PACKAGE = Path(bert_inspect.__file__).parent
STANDARD = sys.stdlib_module_names
GROUND = {"errors", "values", "files", "safetext", "stop"}
DATA = GROUND | {"record", "reading", "proof"}
PURE = DATA | {"selection", "outline", "components", "lookup", "listing", "implementation", "attention", "diff"}
PURE |= {"dataflow", "layout", "diagnosis"}
TORCH = {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}
MAY = {
    "errors": set(),
    "stop": set(),
    "safetext": set(),
    "values": {"msgspec"},
    "files": {"errors", "stop"},
    "proof": {"values", "msgspec"},
    "jsontext": {"safetext", "values", "msgspec"},
    "reading": {"errors"},
    "soundness": {"errors"},
    "record": {
        "errors",
        "values",
        "files",
        "jsontext",
        "reading",
        "safetext",
        "soundness",
        "proof",
        "msgspec",
        "render.notebook",
    },  # a trace displays itself in a notebook
    "components": {"msgspec"},
    "diagnosis": {"errors", "values", "msgspec"},
    "attention": DATA | {"numpy"},
    "selection": DATA | {"msgspec"},
    "outline": DATA,
    "lookup": DATA | {"selection"},
    "sourcefile": set(),
    "reached": {"sourcefile"},
    "implementation": DATA | {"sourcefile"},
    "listing": DATA | {"sourcefile", "reached", "implementation"},
    "dataflow": DATA | {"dataflow"},
    "layout": {"dataflow", "layout"},
    "render": PURE | {"rich", "numpy", "pygments", "jinja2", "resvg_py", "markupsafe", "msgspec", "render"},
    "diff": DATA | {"diff", "msgspec", "numpy"},  # numpy where values are compared, and only there
    "capture": PURE | TORCH | {"capture", "msgspec", "numpy"},
    "terminal": GROUND | {"rich"},
    "api": PURE | TORCH | {"capture"},
    "cli": PURE | {"typer", "terminal", "cli"},
    "__main__": {"stop"},
    "__init__": {"api", "errors", "record"},
}
LATER = {  # inside a body
    "cli": {"capture", "render", "record", "msgspec"},
    "__main__": {"errors", "terminal", "safetext", "cli"},
}


def imports(file: Path) -> list[tuple[str, bool]]:
    """Names a file imports, as rooms or packages, and whether at its top level."""
    package = [*file.relative_to(PACKAGE.parent).with_suffix("").parts][:-1]
    found = []
    tree = ast.parse(file.read_text())
    top = {id(node) for node in tree.body}
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(((node.module or "").split(".")[0], id(node) in top))
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            found.append((".".join(part for part in base[1:] if part), id(node) in top))
    return found


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(file: Path) -> None:
    room = file.relative_to(PACKAGE).with_suffix("").parts[0]
    for name, at_top in imports(file):
        if name in STANDARD or not name:
            continue
        allowed = MAY[room] | (set() if at_top else LATER.get(room, set()))
        assert name in allowed or name.split(".")[0] in allowed, f"{room} imports {name}"


def test_no_module_bears_a_name_of_the_standard_library() -> None:
    own = {file.stem for file in PACKAGE.rglob("*.py")} - {"__init__", "__main__", "tokenize"}
    assert not own & (STANDARD - {"builtin"})


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
