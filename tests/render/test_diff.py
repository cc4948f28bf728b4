"""The picture of a comparison at every width: the answer first, everything aligned, nothing from outside trusted."""

import re
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, find, shown, tiny_model, without_values
from msgspec import structs
from rich.cells import cell_len

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.diff import Diff, diff
from bert_inspect.render.comparison.page import DiffPage, DiffView
from bert_inspect.traces.selection import Wanted

GOLDEN = Path(__file__).parent / "golden"
VIEWS = [DiffView(), DiffView(all=True), DiffView(all=True, selection=Wanted(layers=frozenset({1})))]


@pytest.fixture(scope="module")
def parted(traced: Trace, tokenizer: Any) -> Diff:
    model = tiny_model(num_hidden_layers=3, layer_norm_eps=1e-5)
    model.load_state_dict(tiny_model().state_dict(), strict=False)
    return diff(traced, trace(model, tokenizer, TEXTS, values=True, attention="sdpa"), names=("a.json", "b.json"))


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(parted: Diff, width: int) -> None:
    for view in VIEWS:
        for line in shown(DiffPage(parted, view), width).splitlines():
            assert cell_len(line) <= max(width, 78), line


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_answer_comes_first_and_what_was_not_alike_next(parted: Diff, width: int) -> None:
    lines = shown(DiffPage(parted, DiffView()), width).splitlines()
    assert lines[0].startswith("first divergence: embeddings, layer norm, ")
    text = "\n".join(lines)
    places = [text.index(word) for word in ("modeling_bert.py:", "layer_norm_eps", "num_hidden_layers", "steps  ")]
    assert places == sorted(places)
    assert "only in A" in text and "only in B" in text and "layer 2" in text


def test_every_part_counts_its_steps(parted: Diff) -> None:
    lines = shown(DiffPage(parted, DiffView()), 120).splitlines()
    row = re.compile(r"^(\S+(?: \S+)?) +(\d+) +(\d+|\.) +(\d+|\.) +(\d+|\.) ")
    counted = {}
    for found in filter(None, map(row.match, lines)):
        total, *each = (0 if cell == "." else int(cell) for cell in found.groups()[1:])
        assert total == sum(each)
        counted[found[1]] = total
    parts = ["embeddings", "attention mask", "layer 0", "layer 1", "pooler", "classifier"]
    # Older releases count the positions in the model itself, before all else.
    assert [part for part in counted if part != "whole model"] == parts and "whole model" in counted
    assert sum(counted.values()) == len(parted.steps)


def test_every_step_has_a_line(parted: Diff) -> None:
    lines = shown(DiffPage(parted, DiffView(all=True)), 200).splitlines()
    rows = [line for line in lines if line.startswith("  ") and line.rstrip().endswith(("equal", "noise", "differs"))]
    assert len(rows) == len(parted.steps)


def test_without_unicode_it_is_plain_ascii(parted: Diff) -> None:
    for view in VIEWS:
        assert shown(DiffPage(parted, view), 80, encoding="ascii").isascii()


def test_what_comes_from_outside_is_never_markup(traced: Trace) -> None:
    hostile = "[bold]x[/] [/s] \x1b[31m\u202e"
    place = find(traced, path="classifier")
    output = structs.replace(place.outputs[0], values=None, stats=None, shape=[2, 3])
    source = structs.replace(place.source, code=hostile, file=hostile)
    steps = list(traced.steps)
    steps[place.id] = structs.replace(place, outputs=[output], label=hostile, source=source)
    changed = structs.replace(
        traced, steps=steps, output=None, model=structs.replace(traced.model, name=hostile, config={hostile: hostile})
    )
    changed = structs.replace(changed, input=structs.replace(traced.input, texts=[hostile, hostile]))
    for a, b in ((traced, changed), (changed, traced)):
        for view in VIEWS:
            text = shown(DiffPage(diff(a, b, names=(hostile, hostile)), view), 300)
            assert "\x1b" not in text and "\u202e" not in text and "[bold]x[/] [/s] \\x1b[31m\\u202e" in text


PICTURES = {"diff-80": (DiffView(), 80), "diff-120": (DiffView(), 120), "diff-all-120": (VIEWS[2], 120)}


def roomless(picture: str) -> str:
    """A picture without the room between its columns, which Rich 14 makes wider by one at the edge."""
    return re.sub(r"─+", "─", re.sub(r" {2,}", "  ", picture))


@pytest.mark.parametrize("name", PICTURES)
def test_golden_pictures_of_a_comparison(name: str, request: pytest.FixtureRequest) -> None:
    saved = without_values(Trace.load(GOLDEN / "trace.json"))
    place = find(saved, path="bert.encoder.layer.1.intermediate.dense")
    stats = place.outputs[0].stats
    assert stats is not None and isinstance(stats.max, float)
    louder = structs.replace(place.outputs[0], stats=structs.replace(stats, max=stats.max * 1.001))
    steps = list(saved.steps)
    steps[place.id] = structs.replace(place, outputs=[louder])
    other = structs.replace(saved, steps=steps, environment=structs.replace(saved.environment, torch="2.6.0"))
    view, width = PICTURES[name]
    page = shown(DiffPage(diff(saved, other, names=("mine.json", "theirs.json")), view), width)
    text = "\n".join(line.rstrip() for line in page.splitlines()) + "\n"
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--write-golden"):
        file.write_text(text)
    assert roomless(text) == roomless(file.read_text())
