"""Whatever a saved trace holds, each command that reads it shows or refuses it; what it says is shown, never obeyed."""

import itertools
import json
import re
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from helpers import tiny_model
from hostile_trace import COMMANDS, Place, arguments, mutants, texts, write

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.layout.plan import MOST
from bert_inspect.traces.record import Kind
from bert_inspect.traces.vocabulary.axes import Axis

Command = Callable[..., tuple[int, str, str]]
KINDS = ["eager", "sdpa"]
REBUILDING = ["attention", "heads", "heads svg", "walk", "cell of the scores", "cell of the answer", "diff"]
"""The commands that rebuild attention where it was computed at once."""


@pytest.fixture(scope="module")
def saved(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small traces with all that a trace may hold."""
    folder, found = tmp_path_factory.mktemp("saved"), {}
    for kind in KINDS:
        model = tiny_model(
            attention=kind, num_hidden_layers=1, hidden_size=8, intermediate_size=8, num_attention_heads=2
        )
        more: dict[str, Any] = {"pairs": ["So.", "No no."], "labels": [1, 0]} if kind == "eager" else {}
        traced: Trace = trace(model, tokenizer, ["I love!", "He"], stats=True, values=True, **more)
        found[kind] = folder / f"{kind}.json"
        traced.save(found[kind])
    return found


def raw(text: str) -> set[str]:
    """The characters that a terminal or a browser would act on."""
    return {sign for sign in set(text) if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs")} - set(
        "\n\u200c\u200d"
    )


def stand(command: Command, name: str, file: Path, right: Path, *, what: str) -> int:
    """Run a command over a trace, and hold its end against what may be."""
    code, out, err = command(*arguments(name, file, right))
    told = [line for line in err.splitlines() if line.startswith("error: ")]
    assert "unexpected failure" not in err and "Traceback" not in err and "Warning" not in err, (what, name, err)
    assert code in (0, 1, 2, 4) and not raw(out + err), (what, name, err)
    assert code in (0, 1) or (len(told) == 1 and "hint: " in err), (what, name, err)
    return code


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_with_one_field_damaged_is_shown_or_refused(
    command: Command, saved: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """Each mutant is read; the commands take turns with those that are traces still."""
    turns = itertools.cycle(COMMANDS)
    stood = refused = 0
    # One in 61: the kinds of damage and the fields are met in turn.
    for what, mutant in mutants(saved[kind].read_text(), every=61, first=KINDS.index(kind)):
        file = write(mutant, tmp_path / "trace.json")
        if stand(command, "json", file, saved["eager"], what=what) == 4:
            refused += 1
            continue
        stood += 1
        stand(command, next(turns), file, saved["eager"], what=what)
    assert refused > 4 and stood > 4


def fused(t: Any) -> Any:
    return next(step for step in t["steps"] if step["label"] in ("fused attention", "attention probabilities"))


def one_number(t: Any) -> None:
    received = fused(t)["inputs"][0]
    made = t["steps"][received["from"]]["outputs"][0]
    made.update(shape=[1], values=[1.0], axes=None)
    received.update(shape=[1], axes=None)


def fewer(t: Any) -> None:
    for key, column in t["input"].items():
        t["input"][key] = column[:1] if isinstance(column, list) else column
    for key in ("logits", "probabilities", "predictions"):
        t["output"][key] = t["output"][key][:1]


def longer(t: Any) -> None:
    for key in ("tokens", "offsets", "words", "special", "input_ids", "token_type_ids", "attention_mask"):
        t["input"][key] = [row * 3 for row in t["input"][key]]


def ragged(t: Any) -> None:
    for key in ("tokens", "offsets", "words", "special", "input_ids", "token_type_ids", "attention_mask"):
        t["input"][key][0] = t["input"][key][0][:-1]


def extreme(t: Any, number: Any) -> None:
    def filled(values: Any) -> Any:
        return [filled(item) for item in values] if isinstance(values, list) else number

    for step in t["steps"]:
        for output in step["outputs"]:
            output["values"] = filled(output.get("values"))


DAMAGED: dict[str, tuple[Callable[[Any], object], str]] = {
    "a scale of dashes": (lambda t: fused(t).update(arguments="scale=--"), "its scale is --"),
    "no scale": (lambda t: fused(t).update(arguments="scale="), ""),
    "no output": (lambda t: fused(t).update(outputs=[]), ""),
    "no input": (lambda t: fused(t).update(inputs=[]), ""),
    "a query of one number": (one_number, "query, key, value and output have the shapes|it has the shape"),
    "fewer sentences than rows": (fewer, "the input 1 sentences of"),
    "more tokens than columns": (longer, "it has the shape"),
    "sentences of different length": (ragged, "it has the shape"),
    "no real token": (lambda t: t["input"].update(attention_mask=[[0] * len(r) for r in t["input"]["tokens"]]), ""),
    "numbers beyond all": (lambda t: extreme(t, 1e308), ""),  # no probabilities, or rebuilt as NaN
    "no numbers": (lambda t: extreme(t, "NaN"), ""),
    "infinite numbers": (lambda t: extreme(t, "-Infinity"), ""),
    "parameters without a name": (
        lambda t: [tensor.update({"parameter": "", "from": None}) for step in t["steps"] for tensor in step["inputs"]],
        "",
    ),
    "no names of classes": (lambda t: t["model"]["config"].update(id2label=5), ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_fit_together_is_drawn_without_or_refused(
    command: Command, saved: dict[str, Path], tmp_path: Path, kind: str, name: str
) -> None:
    change, message = DAMAGED[name]
    damaged = json.loads(saved[kind].read_text())
    change(damaged)
    file = write(damaged, tmp_path / "trace.json")
    # What rebuilds attention goes by how it was computed; all else reads both kinds alike.
    for reader in COMMANDS if kind == "eager" else REBUILDING:
        stand(command, reader, file, saved["eager"], what=name)
    code, _, err = command("attention", "--trace", file)
    if message and not (kind == "eager" and name in ("a scale of dashes", "a query of one number")):
        assert code == 4 and re.search(message, err), err
        assert command("report", "--trace", file, "-o", tmp_path / "page.html")[0] == 0
        assert re.search(message, (tmp_path / "page.html").read_text())


HOSTILE = {
    "escapes": "\x1b]0;owned\x07\x1b[2J\x1b]8;;http://x\x1b\\y\x9b31m\x90q\x9c",
    "controls": "".join(map(chr, [*range(1, 32), *range(127, 160)])),
    "bidi": "\u202eabc\u2066d\u2069\u200e\u061c\u2028\u2029\ufeff\u00ad\U000e0041",
    "markup": "]]></script><script>alert(1)</script><!--<img src=x onerror=alert(1)>&lt;'\"`",
    "graphs": 'a"]; evil [label="x"]; } --> b %%{init: {"theme": "dark"}}%% \\" \\n \\ # ;end',
    "lines": "one\ntwo\r\nthree\n\n```\nclick s1 href",
    "rich": "[bold red]x[/] [link=file:///etc/passwd]y[/link] [/s]",
    "not a character": "\ufffe\uffff\U0001ffff",
    "long": "x" * 1500,
    "accents": "e" + "\u0301" * 20,
    "empty": "",
}
FIXED = {*get_args(Kind), *get_args(Axis), "NaN", "Infinity", "-Infinity", "bert-inspect-trace"}
FIXED |= {"builtin", "folder", "cache", "python", "pretrained", "partial", "random", "none"}


class Page(HTMLParser):
    """The elements and attributes of a page that do something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ("script", "img", "iframe", "style", "link", "base", "form") else []
        self.found += [name for name, _ in attrs if name.startswith("on") or name in ("src", "formaction", "srcdoc")]
        self.found += [value for name, value in attrs if name == "href" and value and ":" in value]


def active(page: str) -> list[str]:
    parser = Page()
    parser.feed(page)
    return parser.found


def whole_strings(text: str) -> bool:
    """Whether quotation marks of a graph in Graphviz's language close in the line in which they open."""
    return all(re.sub(r'"(?:[^"\\]|\\.)*"', "", line).count('"') == 0 for line in text.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("sdpa", next(iter(HOSTILE))), *(("eager", name) for name in HOSTILE)])
def test_every_text_of_a_trace_is_shown_and_none_obeyed(
    command: Command, saved: dict[str, Path], tmp_path: Path, kind: str, name: str
) -> None:
    whole = json.loads(saved[kind].read_text())
    assert command("report", "--trace", saved[kind], "-o", tmp_path / "right.html")[0] == 0
    before = active((tmp_path / "right.html").read_text())

    def change(text: str, place: Place) -> str:
        # In one of the two what a step is stays as it was, so that attention is drawn; in the other all is changed.
        kept = place[-1] in ("label", "role", "path", "dtype", "arguments", "name") and place[0] == "steps"
        root = place[-1] == "path" and not text
        return text if text in FIXED or root or (kept and kind == "sdpa") else text + HOSTILE[name]

    file = write(texts(whole, change), tmp_path / "trace.json")
    for reader in COMMANDS:
        code = stand(command, reader, file, saved["eager"], what=name)
        named = reader.startswith("cell") or (kind == "eager" and reader.startswith(("attention", "heads")))
        assert code in (0, 1) or named, (reader, code)
    pictures = sorted(
        path for path in tmp_path.iterdir() if path.suffix in (".svg", ".mmd", ".dot", ".html") and path.stem != "right"
    )
    assert len(pictures) >= (6 if kind == "sdpa" else 4)
    for path in pictures:
        text = path.read_text(encoding="utf-8")
        assert not raw(text), path
        if path.suffix == ".svg":
            found = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()]
            assert not {"script", "foreignObject", "a", "img"} & set(found)
        elif path.suffix == ".html":
            assert active(text) == before if path.name == "page.html" else "img" not in active(text)
            data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
            assert data is not None and json.loads(data[1])["trace"]["model"]["class"].endswith(HOSTILE[name])
        elif path.suffix == ".dot":
            assert whole_strings(text) and "evil [label" not in re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
            if shutil.which("dot"):
                subprocess.run(["dot", "-Tdot", path, "-o", "/dev/null"], check=True, capture_output=True)
        else:
            assert "%%{" not in text and "{init" not in text
            kinds = r"%% |flowchart|subgraph |end$|[a-z]\d+[(\[]|[a-z]\d+ --|classDef |class "
            assert all(re.match(kinds, line.strip()) for line in text.splitlines() if line.strip()), text[:3000]
            assert all(line.count('"') in (0, 2) for line in text.splitlines())


def chained(whole: Any, count: int, feeds: Callable[[int, int], list[int]]) -> Any:
    """A trace with so many additions more, each of which receives what ``feeds`` says."""
    for step in whole["steps"]:
        for output in step["outputs"]:
            output.pop("values", None)
    add = next(step for step in whole["steps"] if step["type"] == "add")
    first = len(whole["steps"])
    for number in range(first, first + count):
        inputs = [{**add["inputs"][0], "from": source} for source in feeds(number, first)]
        whole["steps"].append({**add, "id": number, "parent": 0, "inputs": inputs})
    return whole


CHAINS: dict[str, Callable[[int, int], list[int]]] = {
    "a chain": lambda number, first: [number - 1],
    "with a residual of the first": lambda number, first: [number - 1, first - 1],
    "all from one": lambda number, first: [first - 1],
    "all from the last few": lambda number, first: [number - 1 - back for back in range(min(4, number))],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_hundreds_of_steps_are_drawn_with_every_step(
    command: Command, saved: dict[str, Path], tmp_path: Path, name: str
) -> None:
    """What took time that grew with the square is drawn plainly; a test that takes minutes has failed."""
    file = write(chained(json.loads(saved["eager"].read_text()), 400, CHAINS[name]), tmp_path / "trace.json")
    for picture in ("flow.svg", "flow.mmd", "flow.dot"):
        assert command("diagram", "--trace", file, "-o", tmp_path / picture)[0] == 0
    drawn = set(re.findall(r'data-step="(\d+)"', (tmp_path / "flow.svg").read_text()))
    assert {str(number) for number in range(60, 459)} <= drawn
    for picture in ("flow.mmd", "flow.dot"):
        arrows = re.findall(r"^  (s\d+) .*-> ?(s\d+)|^  (s\d+) .*--> (s\d+)", (tmp_path / picture).read_text(), re.M)
        assert len(arrows) >= 399
    assert command("report", "--trace", file, "-o", tmp_path / "page.html")[0] == 0


def test_what_is_too_much_for_a_picture_is_refused_and_left_out_of_the_report(
    command: Command, saved: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST >= 10_000
    monkeypatch.setattr("bert_inspect.layout.nested.MOST", 50)
    code, out, err = command("diagram", "--trace", saved["eager"], "-o", tmp_path / "flow.svg")
    assert (code, out) == (2, "") and "arrows are too many for a picture" in err and "--module" in err
    assert not (tmp_path / "flow.svg").exists()
    assert command("report", "--trace", saved["eager"], "-o", tmp_path / "page.html")[0] == 0
    assert "too many steps for one" in (tmp_path / "page.html").read_text()
    monkeypatch.undo()
    monkeypatch.setattr("bert_inspect.layout.rows.MOST", 1)
    assert command("diagram", "--trace", saved["eager"], "-o", tmp_path / "flow.svg")[0] == 2
