"""The terms of a cell are those that a hand computation in plain torch has."""

from typing import Any

import pytest
import torch
from families.tiny import as_loaded, batch, tiny
from msgspec import structs
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect.analysis.cell import Runs
from bert_inspect.cells.find import find_step
from bert_inspect.cells.record import Cell
from bert_inspect.cells.tell import Asked, cell_of
from bert_inspect.cells.where import parse_at
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, QUESTION_ANSWERING, REPLACED_TOKENS, SEQUENCE_CLASSIFICATION, Head

BERT = FAMILIES["bert"]


@pytest.fixture(scope="module")
def model() -> BertForSequenceClassification:
    return tiny(BERT, SEQUENCE_CLASSIFICATION).requires_grad_(False)


def asked(
    model: Any, step: str, at: str = "", *, layer: int | None = None, labels: list[int] | None = None, **more: Any
) -> Cell:
    family = FAMILIES[model.config.model_type]
    given = structs.replace(batch(family), labels=labels)
    runs = Runs(as_loaded(model), given)
    wanted = Asked(at=parse_at([at] if at else []), **{"terms": 1000, **more})
    return cell_of(runs, find_step(runs.trace, step, layer=layer), wanted)


def fused(model: Any) -> Any:
    return tiny(FAMILIES[model.config.model_type], SEQUENCE_CLASSIFICATION, attention="sdpa")


def terms(cell: Cell) -> dict[str, Any]:
    return {term.name: ([factor.value for factor in term.factors], term.value) for term in cell.terms}


def hidden(model: Any, name: str) -> torch.Tensor:
    """What a module returned."""
    kept: list[torch.Tensor] = []
    handle = model.get_submodule(name).register_forward_hook(lambda module, args, output: kept.append(output))
    given = batch(BERT)
    try:
        with torch.inference_mode():
            model(**{key: torch.tensor(getattr(given, key)) for key in BERT.inputs})
    finally:
        handle.remove()
    return kept[0]


def test_an_attention_score_is_the_sum_over_the_numbers_of_a_head(model: Any) -> None:
    cell = asked(model, "attention scores", "sentence=1,head=2,query=3,key=5", layer=1)
    heads = [hidden(model, f"bert.encoder.layer.1.attention.self.{name}")[0].view(9, 4, 8) for name in ("query", "key")]
    query, key = heads[0][3, 2].double(), heads[1][5, 2].double()
    assert len(cell.terms) == 8 and cell.others is None
    for number in range(8):
        factors, value = terms(cell)[f"d {number}"]
        assert factors == [float(query[number]), float(key[number])] and value == pytest.approx(factors[0] * factors[1])
    assert cell.sum == pytest.approx(float(query @ key)) and cell.value == pytest.approx(cell.sum, rel=1e-5)
    assert cell.words == "sum over 8 of query heads[t12] x key heads[t14]"
    assert [factor.name for factor in cell.terms[0].factors] == [
        f"query heads[t12, {cell.terms[0].name}]",
        f"key heads[{cell.terms[0].name}, t14]".replace(f"[{cell.terms[0].name}, t14]", f"[t14, {cell.terms[0].name}]"),
    ]


def test_a_score_becomes_a_probability_among_those_of_the_other_keys(model: Any) -> None:
    cell = asked(model, "attention scores", "sentence=2,head=0,query=1,key=2", layer=0)
    labels = [follow.label for follow in cell.becomes]
    assert labels == ["scaled attention scores", "masked attention scores", "attention probabilities"]
    assert cell.becomes[0].value == pytest.approx(cell.value / 8**0.5, rel=1e-5)
    again = asked(model, "attention probabilities", "sentence=2,head=0,query=1,key=2", layer=0)
    assert again.value == cell.becomes[-1].value and cell.becomes[-1].words.startswith("the softmax over 9 keys: t")
    hides = asked(model, "attention scores", "sentence=2,head=0,query=1,key=8", layer=0)
    assert hides.becomes[1].words == "hidden" and hides.becomes[-1].value == 0


def test_the_largest_terms_are_listed_and_the_others_add_up(model: Any) -> None:
    whole = asked(model, "query projection", "sentence=1,token=4,hidden=7", layer=1)
    few = asked(model, "query projection", "sentence=1,token=4,hidden=7", layer=1, terms=5)
    assert [term.name for term in few.terms] == [term.name for term in whole.terms[:5]]
    sizes = [abs(term.value) for term in whole.terms]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 33  # the bias is one of them
    assert few.others is not None and few.others.count == 28
    assert sum(term.value for term in few.terms) + few.others.value == pytest.approx(whole.sum)
    linear = model.bert.encoder.layer[1].attention.self.query
    factors, value = terms(whole)["hidden 3"]
    assert factors[1] == float(linear.weight[7, 3]) and value == pytest.approx(factors[0] * factors[1])
    assert terms(whole)["bias"] == ([float(linear.bias[7])], float(linear.bias[7]))
    (name,) = {factor.name for term in whole.terms if term.name == "hidden 3" for factor in term.factors[1:]}
    assert name == "bert.encoder.layer.1.attention.self.query.weight[7, 3]"


def test_a_norm_tells_mean_and_deviation(model: Any) -> None:
    cell = asked(model, "layer.*.output.LayerNorm", "sentence=1,token=2,hidden=9", layer=1)
    runs = hidden(model, "bert.encoder.layer.1.output.LayerNorm")
    assert cell.value == float(runs[0, 2, 9])
    norm = model.bert.encoder.layer[1].output.LayerNorm
    told = {quantity.name: quantity.value for quantity in cell.quantities}
    row = asked(model, "layer.1.output:residual sum", "sentence=1,token=2,hidden=9")
    assert told["x"] == row.value
    normed = (told["x"] - told["mean over 32"]) / told["deviation (eps 1e-12)"]
    assert cell.sum == pytest.approx(normed * float(norm.weight[9]) + float(norm.bias[9]))


def test_a_softmax_tells_the_sum_that_it_divides_by(model: Any) -> None:
    cell = asked(model, "attention probabilities", "sentence=1,head=1,query=0,key=3", layer=0)
    shares = {name: value / cell.sum for name, (_, value) in terms(cell).items()}
    assert len(shares) == 9 and sum(shares.values()) == pytest.approx(1)
    assert shares["t12"] == pytest.approx(cell.value, rel=1e-5)


def test_a_row_of_embeddings_is_named_by_its_id(model: Any) -> None:
    cell = asked(model, "word embeddings", "sentence=1,token=3,hidden=5")
    assert cell.value == float(model.bert.embeddings.word_embeddings.weight[12, 5]) and "row 12 of" in cell.words


def test_what_is_moved_is_the_number_that_it_was(model: Any) -> None:
    cell = asked(model, "query heads", "sentence=1,head=3,token=4,d=2", layer=0)
    assert cell.moved is not None and cell.moved.index == [0, 4, 3, 2] and cell.moved.value == cell.value
    split = asked(model, "query split into heads", "sentence=1,head=3,token=4,d=2", layer=0)
    assert split.moved is not None and split.moved.index == [0, 4, 26]


def test_the_context_of_fused_attention_is_that_of_eager_attention(model: Any) -> None:
    once = asked(fused(model), "fused attention", "sentence=2,head=1,token=2,d=3")
    eager = asked(model, "context", "sentence=2,head=1,token=2,d=3", layer=0)
    assert once.value == pytest.approx(eager.value, abs=1e-5)
    one, other = ({name: factors for name, (factors, _) in terms(cell).items()} for cell in (once, eager))
    assert one.keys() == other.keys()
    for name, factors in one.items():
        assert factors == pytest.approx(other[name], abs=1e-5)


def test_the_loss_is_the_mean_over_the_sentences(model: Any) -> None:
    cell = asked(model, "loss", labels=[1, 0])
    given = batch(BERT)
    with torch.inference_mode():
        logits = model(**{key: torch.tensor(getattr(given, key)) for key in BERT.inputs}).logits.double()
    losses = torch.nn.functional.cross_entropy(logits, torch.tensor([1, 0]), reduction="none") / 2
    found = {name: value for name, (_, value) in terms(cell).items()}
    assert found == pytest.approx({"sentence 1": float(losses[0]), "sentence 2": float(losses[1])}, rel=1e-5)
    assert cell.sum == pytest.approx(float(losses.sum()))


def test_the_probabilities_of_the_answer_are_cells(model: Any) -> None:
    for label in (0, 1):
        cell = asked(model, "probabilities", f"sentence=1,label={label}")
        logit = asked(model, "logits", f"sentence=1,label={label}")
        assert cell.step is None and cell.reproduces and cell.value is not None
        assert logit.becomes[-1].value == cell.value and logit.becomes[-1].label == "probability"
    largest = asked(model, "probabilities", "sentence=1")
    assert largest.value > 0.5 and largest.place[1].chosen


@pytest.mark.parametrize(
    ("name", "head", "at"),
    [
        ("bert", QUESTION_ANSWERING, "sentence=1,token=6"),
        ("bert", MASKED_LM, "sentence=1,token=3,id=17"),
        ("electra", REPLACED_TOKENS, "sentence=1,token=3"),
    ],
)
def test_other_heads_have_probabilities_too(name: str, head: Head, at: str) -> None:
    cell = asked(tiny(FAMILIES[name], head), "probabilities", at)
    assert isinstance(cell.computed, float) and 0 < cell.computed < 1 and cell.reproduces
    if head is MASKED_LM:
        assert cell.sum == pytest.approx(sum(value for _, value in terms(cell).values()))


def test_the_largest_operands_are_followed_down(model: Any) -> None:
    cell = asked(model, "attention scores", "sentence=1,head=2,query=3,key=5", layer=1, depth=3, terms=2)
    below = cell.operands
    assert [inner.label for inner in below] == ["query projection", "key projection"]  # not the reshapes between
    assert below[0].value == cell.terms[0].factors[0].value and below[1].value == cell.terms[0].factors[1].value
    assert all(inner.operands and inner.operands[0].operands for inner in below) and cell.all_reproduce
    assert below[0].operands[0].layer == 0


def test_a_module_is_the_step_inside_it_that_made_its_output(model: Any) -> None:
    layer = asked(model, "bert.encoder.layer.1", "sentence=1,token=2,hidden=9")
    norm = asked(model, "layer.1.output.LayerNorm", "sentence=1,token=2,hidden=9")
    assert layer == norm and layer.path == "bert.encoder.layer.1.output.LayerNorm"
    assert asked(model, "hidden_states[2]", "sentence=1,token=2,hidden=9") == norm


def test_a_run_keeps_no_more_than_it_is_asked_for(model: Any) -> None:
    runs = Runs(as_loaded(model), batch(BERT))
    asked_for = next(step for step in runs.trace.steps if step.label == "attention scores")
    numbers = runs.numbers({asked_for.id})
    assert [step.id for step in runs.trace.steps if step.outputs and numbers.has(step, 0)] == [asked_for.id]


def test_weights_that_are_not_numbers_are_told_as_such() -> None:
    broken = tiny(BERT, SEQUENCE_CLASSIFICATION)
    with torch.no_grad():
        broken.bert.encoder.layer[0].attention.self.query.weight[0, 0] = float("nan")
    cell = asked(broken, "query projection", "sentence=1,token=2,hidden=0", layer=0)
    assert (cell.value, cell.computed, cell.reproduces) == ("NaN", "NaN", True)
    assert asked(broken, "attention scores", "sentence=1,head=0", layer=0).reproduces


def test_heads_that_are_folded_into_the_batch_are_named_by_sentence_and_head() -> None:
    folded = tiny(FAMILIES["deberta-v2"], SEQUENCE_CLASSIFICATION)
    cell = asked(folded, "content-to-content scores", "sentence=2,head=3,query=1,key=2", layer=1)
    assert [place.index for place in cell.place] == [7, 1, 2] and cell.name.endswith("sentence 2, head 3, t17 -> t18")
    assert cell == asked(folded, "content-to-content scores", "batch and heads=7,query=1,key=2", layer=1)
    assert cell == asked(folded, "content-to-content scores", "axis0=7,axis1=1,axis2=2", layer=1)
    one = asked(folded, "content-to-content scores", "sentence=2", layer=1)
    assert one.place[0].index // 4 == 1 and abs(one.value) >= abs(cell.value)
