"""The words for a step, and for a place in it, mean what they say or are answered."""

from typing import Any

import pytest
from helpers import TEXTS, tiny_model

from bert_inspect import Trace
from bert_inspect.api import trace
from bert_inspect.cells.find import find_step
from bert_inspect.cells.names import Names
from bert_inspect.cells.where import Tensor, Where, parse_at, place_of
from bert_inspect.diff.arrays import as_array
from bert_inspect.errors import UsageError


@pytest.mark.parametrize(
    ("words", "layer", "path", "type_"),
    [
        ("attention scores", 1, "bert.encoder.layer.1.attention.self", "matmul"),
        ("Attention  Scores", None, "bert.encoder.layer.0.attention.self", "matmul"),
        ("logits", None, "classifier", "Linear"),
        ("attentions[1]", None, "bert.encoder.layer.1.attention.self", "softmax"),
        ("hidden_states[0]", None, "bert.embeddings.LayerNorm", "LayerNorm"),
        ("pooler_output", None, "bert.pooler.activation", "Tanh"),
        ("loss", None, "", "cross_entropy"),
        ("bert.pooler", None, "bert.pooler", "BertPooler"),
        ("BertPooler", None, "bert.pooler", "BertPooler"),
        ("attention.self.query", 1, "bert.encoder.layer.1.attention.self.query", "Linear"),
        ("attention.output:residual sum", 1, "bert.encoder.layer.1.attention.output", "add"),
        ("layer.*.output:residual sum", 1, "bert.encoder.layer.1.output", "add"),
        ("gelu activation", 1, "bert.encoder.layer.1.intermediate.intermediate_act_fn", "gelu"),
        ("#0", None, "", "BertForSequenceClassification"),
    ],
)
def test_a_step_is_found(traced: Trace, words: str, layer: int | None, path: str, type_: str) -> None:
    found = find_step(traced, words, layer=layer)
    assert (found.step.path, found.step.type) == (path, type_)
    several = layer is None and found.step.layer is not None and "[" not in words
    assert (found.note is not None) == (several or words in ("BertPooler", "attention.self.query"))


@pytest.mark.parametrize(
    ("words", "layer", "message", "hint"),
    [
        ("attention score", None, "no step is called 'attention score'", "did you mean attention scores"),
        ("nonsense", None, "no step is called 'nonsense'", "label, its path or its name"),
        ("bert.poolr", None, "no module matches 'bert.poolr'", "did you mean bert.pooler"),
        ("layer norm", None, "'layer norm' may be several steps", '"layer.*.attention.output.LayerNorm"'),
        ("residual sum", 0, "'residual sum' may be several steps", '"layer.*.output:residual sum"'),
        ("attentions[7]", None, "there is no attentions[7]", "there are attentions[0] to attentions[1]"),
        ("attention scores", 2, "there is no layer 2: this model has layers 0 to 1", "counted from 0"),
        ("logits", 1, "logits is not in layer 1", "leave --layer out"),
        ("position ids", 1, "there is no position ids in layer 1", "leave --layer out"),
        ("bert.pooler:attention scores", None, "no step in 'bert.pooler' is called", "there are pooler"),
        ("#999999", None, "there is no step 999999", "#0 to #"),
        ("input_ids", None, "no step is called 'input_ids'", "what the model was given"),
        ("attention.self.dropout", None, "was never called", "shows the steps"),
    ],
)
def test_what_is_no_step_is_answered(traced: Trace, words: str, layer: int | None, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_step(traced, words, layer=layer)
    assert message in raised.value.message and hint in str(raised.value.hint)


def test_a_step_that_other_runs_have_is_answered_by_how_to_get_it(model: Any, tokenizer: Any) -> None:
    for attention, words, hint in (("eager", "loss", "`labels`"), ("sdpa", "attention scores", '`attention="eager"`')):
        run = trace(tiny_model(attention=attention), tokenizer, TEXTS)
        with pytest.raises(UsageError) as raised:
            find_step(run, words)
        assert hint in str(raised.value.hint)
    alone = trace(model, tokenizer, TEXTS[0])
    with pytest.raises(UsageError, match="attention mask returned no tensor in this run"):
        find_step(alone, "attention mask")


def where(traced: Trace, words: str, *at: str, sentence: int | None = None) -> Where:
    step = find_step(traced, words, layer=0 if "attention" in words else None).step
    output = step.outputs[0]
    assert output.values is not None
    ranked = output.axes is not None and "labels" in output.axes
    tensor = Tensor(label=step.label, output=output, whole=as_array(output.values).__getitem__, ranked=ranked)
    return place_of(tensor, Names(traced), parse_at(at), sentence=sentence)


@pytest.mark.parametrize(
    ("at", "index"),
    [
        (["sentence=1,head=3,query=love,key=cats"], (0, 3, 2, 3)),
        (["batch=1", "heads=3", "query tokens=2,key tokens=3"], (1, 3, 2, 3)),
        (["head=3,query=LOVE,key=!"], (0, 3, 2, 4)),
        (["head=3,query=pineapple,key=[SEP]"], (1, 3, 3, 8)),  # the word begins with this piece
        (["head=3,query=##ap,key=0,sentence=2"], (1, 3, 4, 0)),
        (["sentence=1,head=0,query=[PAD]@7,key=1"], (0, 0, 7, 1)),
        (["axis0=1,axis 1=2,axis2=3,axis3=4"], (1, 2, 3, 4)),
    ],
)
def test_a_place_is_named_by_text_piece_or_index(traced: Trace, at: list[str], index: tuple[int, ...]) -> None:
    tokens = traced.input.tokens
    assert tokens[0][:6] == ["[CLS]", "I", "love", "cats", "!", "[SEP]"] and tokens[1][3:5] == ["pine", "##ap"]
    assert where(traced, "attention scores", *at).index == index


def test_of_what_is_not_named_the_largest_is_taken_but_no_padding(traced: Trace) -> None:
    step = find_step(traced, "attention scores", layer=0).step
    values = as_array(step.outputs[0].values)  # type: ignore[arg-type]
    real = values.copy()
    real[0, :, 6:] = real[0, :, :, 6:] = 0
    best = max(range(2), key=lambda row: abs(real[row]).max())
    found = where(traced, "attention scores")
    assert abs(values[found.index]) == abs(real[best]).max() and found.chosen == {0, 1, 2, 3}
    named = where(traced, "attention scores", "head=1,query=love")
    assert abs(values[named.index]) == abs(real[0, 1, 2]).max() and named.chosen == {3}
    masked = where(traced, "masked attention scores", "sentence=1,head=0,query=2")
    assert masked.index[3] < 6
    assert where(traced, "logits", sentence=2).index == (1, traced.output.predictions[1].index)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("at", "message", "hint"),
    [
        (["haed=1"], "attention scores has no axis 'haed'", "did you mean head?"),
        (["label=1"], "attention scores has no axis 'label'", "its axes are sentence, head, query, key"),
        (["head=4"], "there is no head '4'", "head goes from 0 to 3"),
        (["head=x"], "there is no head 'x'", "head goes from 0 to 3"),
        (["query=dog"], "has no token 'dog'", "its tokens are [CLS] I love"),
        (["query=lov"], "has no token 'lov'", "did you mean love?"),
        (["query=99"], "there is no token 99: the sentence has tokens 0 to 8", ""),
        (["sentence=1,query=[PAD]"], "'[PAD]' is there 3 times, at places 6, 7, 8", "6 or 7 or 8"),
        (["sentence=3"], "there is no sentence '3'", "sentence 1 to 2"),
        (["head"], "--at 'head' does not name places", "--at head=7"),
        (["head=1", "head=2"], "--at names head twice", "once"),
        (["head=1,heads=2"], "names the axis heads twice", "once"),
    ],
)
def test_what_is_no_place_is_answered(traced: Trace, at: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        where(traced, "attention scores", *at)
    assert message in raised.value.message and hint in str(raised.value.hint)


def test_a_comma_may_be_a_token() -> None:
    assert parse_at(["query=,,key=cats", "head=1"]) == {"query": ",", "key": "cats", "head": "1"}
    assert parse_at(["query==,key=a,b"]) == {"query": "=", "key": "a,b"}


def test_a_token_that_is_there_twice_bears_its_place(traced: Trace) -> None:
    names: Any = Names(traced)
    assert names.texts(0)[2:] == ["love", "cats", "!", "[SEP]", "[PAD]@6", "[PAD]@7", "[PAD]@8"]
