"""Which files a trace may have its reader open: those of torch and transformers, by their bare names, and no others."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers
from helpers import find, without_values
from msgspec import structs
from transformers.models.bert import modeling_bert

from bert_inspect import Trace
from bert_inspect.source_view.listing import listing
from bert_inspect.source_view.sourcefile import LONGEST, SourceFile, find_file, find_forward
from bert_inspect.traces.lookup import first_call

Command = Callable[..., tuple[int, str, str]]

SECRET = 'def connect():\n    password = "s3cr3t-pa55word"\n\n    return password\n'
opened: set[str] = set()


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes):
        opened.add(os.fsdecode(arguments[0]))


sys.addaudithook(_note)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim" / "connection.py"
    file.parent.mkdir()
    file.write_text(SECRET)
    return file


def claiming(traced: Trace, name: str, line: int) -> Trace:
    """The trace, but every op of a module says that it ran at a line of some file, which holds nothing."""
    inside = find(traced, path="bert.encoder.layer.0.attention.self", kind="module").id
    source = structs.replace(find(traced, parent=inside).source, file=name, line=line, code="")  # type: ignore[type-var]
    steps = [structs.replace(step, source=source) if step.parent == inside else step for step in traced.steps]
    return structs.replace(without_values(traced), steps=steps)


PACKAGE = Path(modeling_bert.__file__).parent
NAMES = {
    "absolute": "{victim}",
    "up and down": "../" * 30 + "{relative}",
    "from the package": os.path.relpath("/", PACKAGE) + "{victim}",
    "a folder": "bert/modeling_bert.py",
    "a device": "/dev/zero",
    "a fifo": "{folder}/fifo",
    "nothing": "",
    "a dot": ".",
    "two dots": "..",
    "home": "~/connection.py",
    "a zero": "modeling_bert.py\x00.txt",
    "backslashes": "..\\..\\connection.py",
    "an endless name": "x" * 100_000 + ".py",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMES)
def test_a_trace_names_no_file_outside_the_packages(
    kind: str, command: Command, victim: Path, traced: Trace, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    name = NAMES[kind].format(victim=victim, relative=str(victim).lstrip("/"), folder=tmp_path)
    saved, page = tmp_path / "trace.json", tmp_path / "page.html"
    claiming(traced, name, 3).save(saved)
    opened.clear()
    code, out, err = command("source", "layer.0.attention.self", "--trace", saved)
    assert code == 0 and "s3cr3t" not in out and "no file of this name" in out, err
    assert command("report", "--trace", saved, "-o", page)[0] == 0 and "s3cr3t" not in page.read_text()
    assert command("diff", saved, saved)[0] == 0
    assert not {file for file in opened if file in (name, str(victim), "/dev/zero") or "connection.py" in file}


def package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A transformers of the test's own; returns the folder of its BERT."""
    inside = folder / "transformers" / "models" / "bert"
    inside.mkdir(parents=True)
    monkeypatch.setattr(transformers.__spec__, "submodule_search_locations", [str(folder / "transformers")])
    return inside


def test_only_plain_files_that_lie_in_the_package_and_are_no_longer_than_source(
    victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = package(tmp_path, monkeypatch)
    own, within = inside / "modeling_own.py", inside / "modeling_within.py"
    own.write_text(SECRET)
    within.symlink_to(own)
    for name, target in (("out", victim), ("device", Path("/dev/zero")), ("lost", tmp_path / "nowhere")):
        (inside / f"modeling_{name}.py").symlink_to(target)
    os.mkfifo(inside / "modeling_fifo.py")
    (inside / "modeling_folder.py").mkdir()
    (inside / "modeling_long.py").write_text(SECRET + "#" * LONGEST)
    (inside / "modeling_broken.py").write_bytes(b"\xff\xfe")
    found = {path.stem: find_file(path.name, {3: ""}) for path in inside.iterdir()}
    assert {name for name, file in found.items() if file is not None} == {"modeling_own", "modeling_within"}
    assert found["modeling_own"] == SourceFile.read(own)


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "nothing", "long"])
def test_what_is_no_source_is_read_neither_for_a_model_of_ones_own(kind: str, tmp_path: Path) -> None:
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / kind)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "long":
        path.write_text("#" * (LONGEST + 1))
    assert SourceFile.read(path) is None


def test_why_source_is_not_shown_is_said(
    command: Command, traced: Trace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "trace.json"
    without_values(traced).save(saved)
    package(tmp_path / "none", monkeypatch)
    assert "no file of this name" in listing(traced, first_call(traced, "bert.pooler")).functions[0].why
    inside = package(tmp_path / "other", monkeypatch)
    (inside / "modeling_bert.py").write_text("# another release\n" + Path(modeling_bert.__file__).read_text())
    code, out, _ = command("source", "bert.pooler", "--trace", saved)
    why = "modeling_bert.py as the trace recorded it: the file of this name on this machine has other lines"
    assert code == 0 and why in out
    page = tmp_path / "page.html"
    assert command("report", "--trace", saved, "-o", page)[0] == 0 and why in page.read_text()


@pytest.mark.parametrize("type_", ["", "os.system", "x" * 100_000, "(", ".*", "\x00", "\ud800", "Linear\nclass X"])
def test_a_class_that_is_none_has_no_source(type_: str) -> None:
    assert find_forward(type_, package="torch") is None
    assert find_forward("Linear", package="torch") is not None


def test_nothing_is_imported_for_a_trace(command: Command, traced: Trace, tmp_path: Path) -> None:
    saved = tmp_path / "trace.json"
    without_values(traced).save(saved)
    trace = json.loads(saved.read_text())
    for step in trace["steps"]:
        step.update(type="antigravity.Linear", path=step["path"] and "antigravity", label="antigravity")
        if step["source"]:
            step["source"]["file"] = "antigravity.py"
    trace["model"].update({"class": "antigravity", "family": "antigravity"})
    saved.write_text(json.dumps(trace))
    for arguments in (["source", "antigravity"], ["report", "-o", tmp_path / "page.html"], ["diagram"]):
        command(*arguments, "--trace", saved)
    assert "antigravity" not in sys.modules and not any("antigravity" in file for file in opened)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["/etc", "~/secrets", "../elsewhere", "a/b/c", "."])
def test_a_model_that_a_trace_names_by_a_path_is_not_loaded(
    name: str, command: Command, traced: Trace, tmp_path: Path
) -> None:
    named = structs.replace(traced, model=structs.replace(traced.model, name=name, source="folder"))
    named.save(tmp_path / "a.json")
    other = json.loads((tmp_path / "a.json").read_text())
    last = next(step for step in reversed(other["steps"]) if step["label"] == "logits")
    last["outputs"][0]["values"][0][0] += 1
    (tmp_path / "b.json").write_text(json.dumps(other))
    code, out, err = command("diff", tmp_path / "a.json", tmp_path / "b.json", "--explain")
    assert (code, out) == (2, "") and "names its model by a path" in err and "--model FOLDER" in err
