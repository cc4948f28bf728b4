"""Models as people hold them: what stands around one, and what its forward returns, against the plain model."""

import sys
from collections import OrderedDict
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from helpers import TEXTS, find, tiny_model
from torch import nn
from transformers import BertForSequenceClassification, BertLMHeadModel

from bert_inspect import BertInspectError, trace

OPTIONS: list[dict[str, Any]] = [{}, {"stats": True, "values": True}, {"verify": True}, {"labels": [1, 0]}]


def tiny(kind: type = BertForSequenceClassification) -> Any:
    plain = tiny_model(initializer_range=0.2)
    model = kind(plain.config)
    model.load_state_dict(plain.state_dict())
    return model.eval()


def expected(tokenizer: Any, **more: Any) -> Any:
    with torch.inference_mode():
        return tiny_model(initializer_range=0.2)(**tokenizer(TEXTS, padding=True, return_tensors="pt"), **more)


class ReturnsTuple(BertForSequenceClassification):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return super().forward(*args, **kwargs).to_tuple()


class ReturnsList(BertForSequenceClassification):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return list(super().forward(*args, **kwargs).to_tuple())


class ReturnsDictionary(BertForSequenceClassification):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        out = super().forward(*args, **kwargs)
        return OrderedDict(logits=out.logits, loss=out.loss)


class ReturnsLogits(BertForSequenceClassification):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return super().forward(*args, **kwargs).logits


class ReturnsWords(BertForSequenceClassification):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        super().forward(*args, **kwargs)
        return {"answer": "yes"}


def without_records() -> Any:
    model = tiny()
    model.config.return_dict = False
    return model


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "make",
    [
        without_records,
        lambda: tiny(ReturnsTuple),
        lambda: tiny(ReturnsList),
        lambda: tiny(ReturnsDictionary),
        lambda: tiny(ReturnsLogits),
        lambda: nn.DataParallel(tiny()),
        lambda: torch.compile(tiny(), backend="eager"),
        lambda: nn.DataParallel(torch.compile(tiny(), backend="eager")),  # type: ignore[arg-type]
    ],
    ids=["return_dict", "tuple", "list", "dictionary", "logits", "DataParallel", "compile", "both"],
)
def test_a_trace_holds_what_the_plain_model_returns(tokenizer: Any, make: Any, options: dict[str, Any]) -> None:
    labels = options.get("labels")
    true = expected(tokenizer, **({} if labels is None else {"labels": torch.tensor(labels)}))
    model = make()
    kept = [(path, dict(vars(module))) for path, module in model.named_modules()]
    traced = trace(model, tokenizer, TEXTS, **options)
    assert traced.failure is None and traced.output is not None
    assert traced.output.logits == true.logits.double().tolist()
    if not isinstance(model, ReturnsLogits):
        assert traced.output.loss == (None if labels is None else float(true.loss))
    assert traced.proof is None or traced.proof.passed, traced.proof
    assert find(traced, label="attention probabilities").path == "bert.encoder.layer.0.attention.self"
    assert [(path, dict(vars(module))) for path, module in model.named_modules()] == kept


def test_a_forward_without_logits_is_refused(tokenizer: Any) -> None:
    with pytest.raises(BertInspectError, match=r"returned a dict of answer, in which there are no logits"):
        trace(tiny(ReturnsWords), tokenizer, TEXTS)


class Holds(nn.Module):
    def __init__(self, *models: Any) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Holds(tiny()), "not a Holds; give it the one inside, its models.0"),
        (lambda: Holds(tiny(), tiny()), "not a Holds$"),
        (lambda: SimpleNamespace(model=tiny(), tokenizer=None), "give it the one inside, its model"),
        (lambda: BertLMHeadModel(tiny().config), "not a BertLMHeadModel; give it the one inside, its bert"),
        (lambda: nn.DataParallel(nn.Linear(1, 1)), "not a DataParallel$"),
        (lambda: "bert-base-cased", "not a str$"),
        (lambda: None, "not a NoneType$"),
    ],
)
def test_what_cannot_be_traced_is_refused_in_one_line(tokenizer: Any, make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        trace(make(), tokenizer, TEXTS)


def test_offloaded_weights_are_refused(tokenizer: Any) -> None:
    model = tiny()
    model.bert.encoder._hf_hook = SimpleNamespace(offload=True)
    with pytest.raises(BertInspectError, match=r"the weights of bert\.encoder are kept elsewhere"):
        trace(model, tokenizer, TEXTS)
    model.bert.encoder._hf_hook = SimpleNamespace(offload=False)
    assert trace(model, tokenizer, TEXTS).failure is None


@pytest.mark.parametrize("prompts", [False, True])
def test_adapters_are_seen_and_prompts_refused(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch, *, prompts: bool
) -> None:
    """PEFT is no dependency: a package of its name with what is asked of its models stands in its place."""
    package: Any = ModuleType("peft")

    class PeftModelForSequenceClassification(nn.Module):
        active_peft_config = SimpleNamespace(is_prompt_learning=prompts, peft_type="PROMPT_TUNING")

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.base_model = model

        def get_base_model(self) -> Any:
            return self.base_model

    PeftModelForSequenceClassification.__module__ = "peft.peft_model"
    package.PeftModelForSequenceClassification = PeftModelForSequenceClassification
    monkeypatch.setitem(sys.modules, "peft", package)
    model = PeftModelForSequenceClassification(tiny())
    if prompts:
        with pytest.raises(BertInspectError, match="puts learned tokens before the text"):
            trace(model, tokenizer, TEXTS)
    else:
        traced = trace(model, tokenizer, TEXTS, verify=True)
        assert traced.proof is not None and traced.proof.passed
        assert traced.output is not None and traced.output.logits == expected(tokenizer).logits.double().tolist()
