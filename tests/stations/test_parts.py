"""What a model is made of, its steps and its batch, as a file of the tour lists them."""

import pytest
from helpers import TEXTS
from render.walk.tours import tour_of

from bert_inspect import Trace
from bert_inspect.stations.parts import batch_tables, not_called, received_by, steps_in, structure
from bert_inspect.traces.vocabulary import roles


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "albert", "modernbert", "deberta-v2"])
def test_every_module_that_ran_is_listed_with_its_class(family: str) -> None:
    _, whole = tour_of(family)
    lines = structure(whole)
    assert lines[0] == f"{whole.steps[0].type}()"
    listed = "\n".join(lines)
    for step in whole.steps:
        if step.kind == "module" and step.layer in (None, 0) and step.role != roles.LAYER_GROUP:
            assert f"{step.type}({step.arguments})" in listed
    assert sum("Linear(" in line for line in lines) == len(
        {
            step.path
            for step in whole.steps
            if step.type == "Linear" and (step.layer in (None, 0) or (family, step.layer) == ("modernbert", 1))
        }
    )


def test_layers_alike_are_listed_once_and_one_that_is_called_again_says_so() -> None:
    bert = [line for line in structure(tour_of("bert")[1]) if "BertLayer" in line]
    assert bert == ["      layer.0: BertLayer()  (layers 0 to 1 are alike)"]
    albert = [line for line in structure(tour_of("albert")[1]) if "AlbertLayer()" in line]
    assert len(albert) == 1 and albert[0].endswith("AlbertLayer()  (called again and again, as layers 0 to 2)")


def test_modules_that_were_not_called_are_told_once_for_all_layers(traced: Trace) -> None:
    assert not_called(traced) == ("bert.encoder.layer.*.attention.self.dropout",)


def test_the_steps_of_a_component_are_its_own_with_their_shapes(traced: Trace) -> None:
    attention = next(step for step in traced.steps if step.type == "BertSelfAttention")
    rows = steps_in(traced, attention.id).rows
    inside = [step for step in traced.steps if step.parent == attention.id and step.type != "contiguous"]
    assert [row[0].removesuffix(" (no-op)") for row in rows] == [step.label for step in inside]
    assert [row[3] for row in rows] == ["; ".join(str(out.shape) for out in step.outputs) for step in inside]
    assert rows[0][1:3] == ("self.query", "Linear(in_features=32, out_features=32, bias=True)")
    names = [name for name, _ in received_by(traced, attention.id)]
    assert names[:2] == ["hidden_states", "attention_mask"]  # older releases of transformers hand on more
    encoder = next(step for step in traced.steps if step.type == "BertEncoder")
    assert [row[:2] for row in steps_in(traced, encoder.id).rows] == [("layer 0 to 1", "self.layer.0 to layer.1")]


def test_the_batch_is_told_text_by_text(traced: Trace) -> None:
    texts, given = batch_tables(traced)
    assert [row[1] for row in texts.rows] == [" ".join(tokens) for tokens in traced.input.tokens]
    assert len(texts.rows) == len(TEXTS) and texts.note == ""
    assert [row[0] for row in given.rows if row[0]] == ["input_ids", "token_type_ids", "attention_mask", "labels"]
    assert given.rows[1][3] == " ".join(map(str, traced.input.input_ids[1])) and given.rows[-1][3] == "1 0"
