"""`walk -o`: a page, Markdown with pictures, a notebook; each whole or not there."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from helpers import TEXTS
from markdown_it import MarkdownIt
from test_hostile_text import HOSTILE, hostile, raw  # noqa: F401 - a fixture

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_the_suffix_says_which_form(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    for name, start in (("w.html", "<!doctype html>"), ("w.md", "# BERT, station by station"), ("w.ipynb", "{")):
        file = tmp_path / name
        code, out, err = command("walk", *TEXTS, "--labels", "1,0", "--model", checkpoint, "-o", file)
        assert (code, out) == (0, "") and f"written to {file}" in err
        assert file.read_text().startswith(start)
    pictures = {file.name for file in (tmp_path / "w").iterdir()}
    assert {"01-text.svg", "04-word-embeddings.svg", "whole-model.svg"} <= pictures
    assert set(re.findall(r"\(w/([^)]*\.svg)\)", (tmp_path / "w.md").read_text())) == pictures
    code = "".join("".join(cell["source"]) for cell in json.loads((tmp_path / "w.ipynb").read_text())["cells"])
    assert f"load({str(checkpoint)!r})" in code and f"texts = {TEXTS!r}" in code and "'labels': [1, 0]" in code


def test_one_station_alone(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    for name in ("s.html", "s.md", "s.ipynb"):
        file = tmp_path / name
        arguments = ["--station", "scaling", "--model", checkpoint, "-o", file]
        assert command("walk", "I love cats!", *arguments)[0] == 0
        assert "Why are the scores scaled?" in file.read_text()
        assert "How well does each query fit" not in file.read_text()
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["12-scaling.svg"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "w.txt"], "supported: .html, .md, .ipynb"),
        (["-o", "w"], "supported: .html, .md, .ipynb"),
        (["-o", "-"], "supported: .html, .md, .ipynb"),
        (["-o", "nowhere/w.md"], "there is no folder nowhere"),
        (["-o", "taken.md"], "taken is a file, and the pictures need a folder of this name"),
        (["-o", "folder.md"], "folder.md is a folder"),
        (["-o", "w.md", "--station", "nowhere"], "there is no station 'nowhere'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("mine")
    (tmp_path / "folder.md").mkdir()
    code, out, err = command("walk", "I love cats!", "--model", checkpoint, *arguments)
    assert (code, out) == (2, "") and said in err and "Traceback" not in err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.md", "taken"]


def test_a_saved_trace_makes_a_page_and_no_notebook(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("run", *TEXTS, "--model", checkpoint, "--values", "-o", "t.json")[0] == 0
    assert command("walk", "--trace", "t.json", "-o", "w.html")[0] == 0
    assert 'id="attention-scores"' in Path("w.html").read_text()
    code, _, err = command("walk", "--trace", "t.json", "-o", "w.ipynb")
    assert code == 2 and "a notebook runs the model, which a saved trace does not hold" in err
    assert not Path("w.ipynb").exists()


def test_commands_of_a_tour_of_shapes_run(command: Command, tmp_path: Path) -> None:
    """What needs numbers is told without the option that takes them away."""
    file = tmp_path / "w.md"
    assert command("walk", "a", "--model", "bert-tiny", "--weights", "none", "-o", file)[0] == 0
    lines = [line for line in file.read_text().splitlines() if line.startswith("$ ")]
    assert any("--weights none" in line for line in lines)
    assert not [line for line in lines if "--weights none" in line and re.search(r"explain|attention |--values", line)]


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.slow
def test_hostile_text_is_shown_and_does_nothing(command: Command, hostile: Path, tmp_path: Path) -> None:  # noqa: F811
    for number, text in enumerate([HOSTILE[11], "".join([HOSTILE[1], HOSTILE[4], HOSTILE[5], HOSTILE[9]])]):
        options = [text, HOSTILE[0], "--model", hostile, "--truncate", "--labels", "1,0"]
        for suffix in (".html", ".md", ".ipynb"):
            file = tmp_path / f"{number}{suffix}"
            code, out, err = command("walk", *options, "-o", file)
            assert code == 0, err
            held = file.read_text()
            assert not raw(held) | raw(out) | raw(err)
        page = Tags((tmp_path / f"{number}.html").read_text()).found
        assert [tag for tag, _ in page].count("script") == 1
        assert not {name for _, given in page for name in given if name.startswith("on")}
        assert all(given["href"][:1] == "#" for tag, given in page if tag in ("a", "use"))  # type: ignore[index]
        shown = Tags(MarkdownIt("commonmark").enable("table").render((tmp_path / f"{number}.md").read_text())).found
        assert not {tag for tag, _ in shown} & {"script", "b", "iframe"}
        assert all(str(given["src"]).startswith(f"{number}/") for tag, given in shown if tag == "img")
        assert all(str(given["href"])[:1] == "#" for tag, given in shown if tag == "a" and "href" in given)
        cells = json.loads((tmp_path / f"{number}.ipynb").read_text())["cells"]
        space: dict[str, object] = {}
        exec("".join(next(cell["source"] for cell in cells if cell["id"] == "run")).split("\nresult")[0], space)
        assert space["texts"] == [text, HOSTILE[0]]
