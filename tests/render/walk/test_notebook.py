"""The tour as a notebook: valid, without outputs, and its cells run from top to bottom."""

import ast
import contextlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from render.walk.tours import KINDS, NAMES, tour_of

from bert_inspect import load, walk
from bert_inspect.errors import UsageError
from bert_inspect.families.heads import Head
from bert_inspect.render.walk.ipynb import Asked, walk_notebook


def executed(text: str, space: dict[str, Any], *, skip: tuple[str, ...] = ()) -> dict[str, tuple[str, Any]]:
    """Run the code cells in order in one namespace; returns what each printed and what its last line gave."""
    results = {}
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "code" or cell["id"] in skip:
            continue
        tree, printed = ast.parse("".join(cell["source"])), io.StringIO()
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        value = None
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, cell["id"], "exec"), space)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), cell["id"], "eval"), space)
        results[cell["id"]] = printed.getvalue(), value
    return results


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), KINDS, ids=NAMES)
def test_a_notebook_is_valid_and_has_no_outputs(family: str, head: Head) -> None:
    tour, _ = tour_of(family, head)
    text = walk_notebook(tour, Asked(load={"name": "tiny"}))
    assert text == walk_notebook(tour, Asked(load={"name": "tiny"}))
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in book.cells if cell.cell_type == "code")
    assert {cell.id for cell in book.cells} >= set(tour.names)


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2"])
def test_what_is_computed_by_hand_is_what_was_recorded(family: str) -> None:
    tour, whole = tour_of(family)
    text = walk_notebook(tour, Asked())
    found = executed(text, {"result": whole, "tour": tour}, skip=("load", "run"))
    by_hand = {id_: value for id_, (_, value) in found.items() if "by-hand" in id_}
    assert len(by_hand) > 3 and all(value is True for value in by_hand.values()), by_hand
    for id_, (printed, value) in found.items():
        if id_.endswith("-arithmetic"):
            assert value is not None and "text/html" in value._repr_mimebundle_()
        elif id_.endswith("-tensor"):
            assert printed.startswith("<")


@pytest.mark.parametrize("weights", ["auto", "none"])
def test_all_cells_run_for_a_saved_checkpoint(checkpoint: Path, weights: Any) -> None:
    model, tokenizer = load(str(checkpoint), weights=weights)
    tour = walk(model, tokenizer, ["I love cats!", "a"], labels=[1, 0], row=1, layer=1)
    text = walk_notebook(tour, Asked(load={"name": str(checkpoint), "weights": weights}))
    space: dict[str, Any] = {}
    found = executed(text, space)
    assert space["tour"].names == tour.names and (space["tour"].row, space["tour"].layer) == (1, 1)
    assert found["attention-scores-tensor"][0].startswith("<attention scores, layer 1: batch 2 x heads 4 x")
    assert ("attention-scores-arithmetic" in found) == (weights == "auto")


@pytest.mark.slow
def test_all_cells_run_for_the_model_of_the_package() -> None:
    model, tokenizer = load()
    text = walk_notebook(walk(model, tokenizer, "I love cats!"), Asked(load={"name": "bert-sentiment"}))
    found = executed(text, {})
    assert found["answer-arithmetic"][1].cell.reproduces
    assert all(value is True for id_, (_, value) in found.items() if "by-hand" in id_)


def test_without_nbformat_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "bert_inspect.render.walk.ipynb.find_spec", lambda name: None if name == "nbformat" else real(name)
    )
    with pytest.raises(UsageError, match="nbformat") as refused:
        walk_notebook(tour_of("bert")[0], Asked())
    assert "pip install 'bert-inspect[notebook]'" in str(refused.value.hint)
