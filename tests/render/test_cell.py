"""A cell is drawn with its numbers in columns, whatever stands in its names."""

import re
from typing import Any

import pytest
from helpers import shown

from bert_inspect import Trace
from bert_inspect.cells.record import Cell, CellReport, Factor, Follow, Others, Place, Quantity, Term
from bert_inspect.render.cell import answer, cell_page
from bert_inspect.traces.values import Number

HOSTILE = "\x1b]0;x\x07\u202e[bold red]a[/]\n"


def term(name: str, one: Number, other: Number, value: Number) -> Term:
    return Term(name=name, factors=[Factor(name="a", value=one), Factor(name="b", value=other)], value=value)


def cell(**changes: Any) -> Cell:
    settings: dict[str, Any] = {
        "name": "attention scores, layer 3, head 7, love -> cats",
        "step": 12,
        "output": "output",
        "label": "attention scores",
        "path": "bert.encoder.layer.3.attention.self",
        "call": 0,
        "kind": "op",
        "type": "matmul",
        "arguments": "",
        "layer": 3,
        "place": [Place(axis="batch", index=1, name="sentence 2")],
        "dtype": "float32",
        "value": 5.2134,
        "words": "sum over 4 of query heads[love] x key heads[cats]",
        "symbols": "y_ij = sum_k a_ik b_kj",
        "terms": [term("d 17", 1.441, 2.0093, 2.8954013), term("d 4", -1.2077, -1.3551, 1.63655427)],
        "others": Others(count=2, value=0.68144443),
        "sum": 5.2134,
        "computed": 5.2134,
        "difference": 3e-7,
        "rounding": 1e-6,
        "reproduces": True,
    }
    return Cell(**{**settings, **changes})


@pytest.fixture
def report(traced: Trace) -> Any:
    def made(**changes: Any) -> CellReport:
        return CellReport(environment=traced.environment, model=traced.model, input=traced.input, cell=cell(**changes))

    return made


def test_the_numbers_stand_in_columns(report: Any) -> None:
    follow = Follow(
        label="attention probabilities", value=0.4102, step=15, words="the softmax over 6 keys: love 0.21 ..."
    )
    assert shown(cell_page(report(becomes=[follow])), 100).splitlines() == [
        "sentence 2 of 2  He hates pineapple pizza.",
        "attention scores, layer 3, head 7, love -> cats = 5.2134",
        "  bert.encoder.layer.3.attention.self  matmul",
        "  = sum over 4 of query heads[love] x key heads[cats]",
        "  y_ij = sum_k a_ik b_kj",
        "  d 17       1.4410 x  2.0093  = 2.8954",
        "  d 4       -1.2077 x -1.3551  = 1.6366",
        "  2 others                       0.6814",
        "  sum 5.2134 = recorded 5.2134 (differs by 3.0e-07, rounding explains 1.0e-06)",
        "  -> attention probabilities 0.4102 (the softmax over 6 keys: love 0.21 ...)",
    ]


def test_what_is_not_the_same_is_said_in_so_many_words(report: Any) -> None:
    told = shown(cell_page(report(value=5.3, difference=0.0866, reproduces=False)), 100)
    assert "sum 5.2134, recorded 5.3000: NOT the same (differs by 8.7e-02" in told
    rounded = shown(answer(report(value=5.22, difference=0.0066, rounding=0.01)), 100)
    assert "sum 5.2134, recorded 5.2200: the same within rounding" in rounded
    assert "the run recorded nothing there" in shown(answer(report(value=None, difference=None)), 100)


def test_numbers_that_are_none_and_names_that_move_the_cursor_are_shown(report: Any) -> None:
    terms = [term(HOSTILE * 3, "NaN", "-Infinity", "NaN"), term("x", 1e-30, 1e30, 1.0)]
    changes = {"name": HOSTILE, "words": HOSTILE, "path": HOSTILE, "terms": terms, "value": "NaN", "computed": "NaN"}
    quantities = [Quantity(name=HOSTILE, value="Infinity")]
    for width in (20, 80, 200):
        told = shown(cell_page(report(**changes, difference=0.0, quantities=quantities, operands=[cell()])), width)
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", told)
        assert "[bold red]" in "".join(told.split()).replace("[boldred]", "[bold red]")
        assert "nan" in told and "-inf" in told and "attention scores, layer 3" in " ".join(told.split())


def test_it_needs_no_sign_but_those_of_ascii(report: Any) -> None:
    assert shown(cell_page(report()), 80, encoding="ascii")
