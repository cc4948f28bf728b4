"""The tree at every width: whole, aligned, safe; and the golden picture of a small trace."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from families.tiny import tiny
from helpers import TEXTS, shown, tiny_model
from msgspec import structs
from rich.cells import cell_len

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import NO_HEAD
from bert_inspect.render.cells import main_output
from bert_inspect.render.page import page
from bert_inspect.render.tokens import tokens as token_table
from bert_inspect.render.tree import Tree, View
from bert_inspect.traces.record import Step
from bert_inspect.traces.selection import Selection, narrowed
from bert_inspect.traces.tree import outline

GOLDEN = Path(__file__).parent / "golden"


VIEWS = [View(), View(stats=True), View(values=True), View(stats=True, values=True, fold=True), View(axes=True)]


@pytest.mark.slow
@pytest.mark.parametrize(("view", "width"), list(itertools.product(VIEWS, [40, 80, 100, 120, 160, 200, 1000])))
def test_no_line_is_wider_than_the_terminal(traced: Trace, view: View, width: int) -> None:
    for line in shown(Tree(traced, view), width).splitlines():
        assert cell_len(line) <= width, line


def rows_of(traced: Trace) -> list[Step]:
    """The steps that have a line of their own: all but those that hand on a tensor laid out anew."""
    copies = {step.id for step in copies_in(traced)}
    return [step for step in traced.steps if step.id not in copies]


def copies_in(traced: Trace) -> list[Step]:
    """The copies in another layout, and the views that change no shape, of tensors that a step made."""
    found = [step for step in traced.steps if step.type in ("contiguous", "view") and step.inputs[0].from_ is not None]
    found = [step for step in found if step.inputs[0].shape == step.outputs[0].shape]
    assert {step.type for step in found} >= {"contiguous"}
    return found


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_step_is_one_line_with_its_name_and_label(traced: Trace, width: int) -> None:
    lines = shown(Tree(traced, View()), width).splitlines()
    steps = rows_of(traced)
    assert len(lines) == len(steps) + 1
    for step, line in zip(steps, lines[1:], strict=True):
        assert step.kind == "module" or step.label in line
        name = step.path.rsplit(".", 1)[-1]
        assert step.kind == "op" or not step.path or name.isdigit() or f" {name} " in line
        if step.kind == "op":
            assert "· " in line
        main = main_output(step)
        if main is not None and width < 170:
            assert str(main.shape) in line


@pytest.mark.parametrize("width", [80, 120, 200])
def test_shapes_stand_in_one_column(traced: Trace, width: int) -> None:
    header, *lines = shown(Tree(traced, View()), width).splitlines()
    column = header.index("shape")
    for step, line in zip(rows_of(traced), lines, strict=True):
        if step.outputs:
            assert line[column] in "[bst", line  # [2, 9], batch 2, scalar, tokens 9
            assert line[column - 1] == " ", line


@pytest.mark.parametrize("width", [80, 120, 200])
def test_without_unicode_the_tree_is_plain_ascii(traced: Trace, width: int) -> None:
    for view in VIEWS:
        assert shown(Tree(traced, view), width, encoding="ascii").isascii()


def test_colour_adds_nothing_but_colour(traced: Trace) -> None:
    import re

    colored = shown(page(traced, View(stats=True)), 120, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == shown(page(traced, View(stats=True)), 120)


def test_folding_shows_each_kind_of_layer_once(traced: Trace) -> None:
    folded = shown(Tree(traced, View(fold=True)), 120)
    assert "layers 0 to 1 (× 2)" in folded and folded.count("attention scores\n") <= 1
    assert len(folded.splitlines()) < len(traced.steps)
    nodes = [node for root in outline(traced.steps, fold=True) for node in root.walk()]
    kept = {step.id for node in nodes for step in (node.step, *node.relaid)}
    folded_in = [inner for node in nodes for other in node.folded[1:] for inner in other.walk()]
    inside = {step.id for inner in folded_in for step in (inner.step, *inner.relaid)}
    assert kept | inside == set(range(len(traced.steps))) and not kept & inside


def test_layers_that_differ_are_not_folded(tokenizer: Any) -> None:
    import torch

    model = tiny_model(num_hidden_layers=3)
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = torch.nn.ReLU()
    nodes = [node for root in outline(trace(model, tokenizer, TEXTS).steps, fold=True) for node in root.walk()]
    assert [node.step.layer for node in nodes if node.step.type == "BertLayer"] == [0, 1, 2]


def test_the_depth_says_what_it_hides(traced: Trace) -> None:
    cut = shown(Tree(traced, View(depth=3)), 120)
    lines = cut.splitlines()[1:]
    hidden = [int(word) for line in lines if "… " in line for word in line.split("… ")[1].split()[:1]]
    copies = cut.count(" + ")
    assert len(lines) + sum(hidden) + copies == len(traced.steps)


def test_what_only_changes_the_layout_is_folded_and_counted(tokenizer: Any) -> None:
    traced = trace(tiny_model(), tokenizer, TEXTS)
    copies = copies_in(traced)
    nodes = [node for root in outline(traced.steps) for node in root.walk()]
    assert [step.id for node in nodes for step in node.relaid] == [step.id for step in copies]
    for node in nodes:
        for step in node.relaid:
            assert step.inputs[0].from_ in (node.step.id, *(other.id for other in node.relaid))
            assert (step.label, step.outputs[0].shape) == (node.step.label, node.step.outputs[0].shape)
    text = shown(page(traced, View()), 200)
    assert f"({len(copies)} that only change the memory layout are folded into the step before)" in text
    assert text.count(" + contiguous") == len(copies)


def test_a_copy_that_failed_or_changes_the_type_keeps_its_line(traced: Trace) -> None:
    place = next(step for step in traced.steps if step.type == "contiguous")
    failed = structs.replace(place, failed=True)
    halved = structs.replace(place, outputs=[structs.replace(place.outputs[0], dtype="float16")])
    for changed in (failed, halved):
        steps = [changed if step.id == place.id else step for step in traced.steps]
        assert place.id in {node.step.id for root in outline(steps) for node in root.walk()}


def test_labels_and_names_from_outside_are_never_markup(traced: Trace) -> None:
    hostile = "[bold]x[/] [/s] \x1b[31m\u202e"
    model = structs.replace(traced.model, name=hostile)
    output = traced.output
    assert output is not None
    predictions = [structs.replace(prediction, label=hostile) for prediction in output.predictions]
    last = structs.replace(traced.steps[-1], label=hostile, known_as=[hostile], arguments=hostile, type=hostile)
    changed = structs.replace(
        traced,
        model=model,
        output=structs.replace(output, predictions=predictions),
        steps=[*traced.steps[:-1], last],
        input=structs.replace(traced.input, texts=[hostile, hostile], decoded=[hostile, hostile]),
    )
    text = shown(page(changed, View()), 400) + shown(token_table(changed.input), 400)
    assert text.count("[bold]x[/] [/s] \\x1b[31m\\u202e") == 10 and "\x1b" not in text


def test_nan_is_counted_beside_the_step(tokenizer: Any) -> None:
    import torch

    model = tiny_model()
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.bias[0] = float("nan")
    broken = trace(model, tokenizer, TEXTS[0], stats=True)
    for width in (80, 120, 200):
        assert "6 nan" in shown(Tree(broken, View(stats=True)), width)


def test_padding_is_hidden_in_values_unless_asked_for(traced: Trace) -> None:
    one = narrowed(traced, Selection.parse(module=["**.layer.0.attention.self"]))
    hidden, every = (shown(Tree(one, View(values=True, padding=padding)), 160) for padding in (False, True))
    assert "[PAD]" not in hidden and "3 padding tokens hidden" in hidden
    assert "[PAD]" in every and "tokens hidden" not in every
    step = next(step for step in one.steps if step.label == "attention probabilities")
    values = step.outputs[0].values
    assert values is not None
    lines = hidden[hidden.index(step.label) :].splitlines()[2:9]
    assert lines[0].split("│")[-1].split() == one.input.tokens[0][:6]
    for query, line in enumerate(lines[1:]):
        shown_numbers = [float(cell) for cell in line.split()[-6:]]
        assert shown_numbers == pytest.approx([values.at(0, 0, query, key) for key in range(6)], abs=5e-5)


PICTURES = {
    "tree-80": (View(), 80),
    "tree-120-stats": (View(fold=True, stats=True), 120),
    "tree-80-stats": (View(fold=True, stats=True, depth=5), 80),
    "tree-200": (View(), 200),
    "values-100": (View(values=True, stats=True), 100),
    "tokens-80": (None, 80),
}


@pytest.mark.parametrize("name", PICTURES)
def test_golden_pictures_of_a_saved_trace(name: str, request: pytest.FixtureRequest) -> None:
    saved = Trace.load(GOLDEN / "trace.json")
    if name.startswith("values"):
        saved = narrowed(saved, Selection.parse(module=["**.layer.0.attention.self", "bert.pooler"]))
    view, width = PICTURES[name]
    product = token_table(saved.input) if view is None else page(saved, view)
    text = "\n".join(line.rstrip() for line in shown(product, width).splitlines()) + "\n"
    file = GOLDEN / f"{name}.txt"
    if request.config.getoption("--write-golden"):
        file.write_text(text)
    assert text == file.read_text()


def test_heads_folded_into_the_batch_are_not_called_sentences(tokenizer: Any) -> None:
    model = tiny(FAMILIES["deberta-v2"], NO_HEAD, vocab_size=len(tokenizer))
    text = shown(Tree(trace(model, tokenizer, TEXTS, values=True, layer=0), View(values=True)), 140)
    after = text[text.index("query heads folded into the batch") :].split("\n")
    assert "sentence 1 of 2, head 0 of 4" in after[1] and "sentence 1 of 8" not in text
