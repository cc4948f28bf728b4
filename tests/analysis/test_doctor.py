"""The doctor, held against models that are broken on purpose, each in one way, and against healthy ones."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from families.tiny import tiny
from helpers import ACTIVATION, TEXTS, Works, located, tiny_model
from torch import nn

from bert_inspect.analysis.doctor.diagnosis import QUESTIONS, Finding, Question, questions
from bert_inspect.analysis.doctor.examine import examine
from bert_inspect.capture.encode import Sentences
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES, Family
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.loading.loaded import Loaded


def finding(
    question: Question,
    model: Any,
    tokenizer: Any,
    *,
    texts: Sequence[str] = TEXTS,
    pairs: Sequence[str] | None = None,
    initialised: Sequence[str] = (),
    unused: Sequence[str] = (),
    limit: int | None = 64,
    notices: Sequence[str] = (),
) -> Finding:
    loaded = Loaded(
        model=model, name="m", source="folder", weights="pretrained", initialised=initialised, seed=0, unused=unused
    )
    diagnosis = examine(
        loaded,
        tokenizer,
        Sentences(texts=texts, pairs=pairs),
        questions=[question],
        limit=limit,
        notices=notices,
    )
    assert [each.question for each in diagnosis.findings] == [question]
    assert diagnosis.healthy == (diagnosis.findings[0].verdict != "fail")
    return diagnosis.findings[0]


def trained(**changes: Any) -> Any:
    """A tiny model as if it had been trained: its head is not as it was drawn."""
    model = tiny_model(**changes)
    with torch.no_grad():
        model.classifier.bias.copy_(torch.linspace(-0.1, 0.1, model.config.num_labels))
    model.config.id2label = {index: f"class {index}" for index in range(model.config.num_labels)}
    return model


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("texts", [TEXTS, ["cats"], ["one two three", "one two four"]], ids=["two", "one", "alike"])
def test_a_healthy_model_is_told_so(tokenizer: Any, attention: str, texts: list[str]) -> None:
    for question in QUESTIONS:
        found = finding(question, trained(attention=attention), tokenizer, texts=texts)
        if question == "truncation":
            assert (found.verdict, found.fix) == ("warn", "set model_max_length in tokenizer_config.json")
        else:
            assert found.verdict == "pass" and found.fix is None, found


@pytest.mark.slow
def test_a_pair_is_examined_as_one(tokenizer: Any) -> None:
    for question in QUESTIONS:
        assert finding(question, trained(), tokenizer, pairs=TEXTS[::-1]).verdict != "fail"


def working(work: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    model = trained()
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = Works(work)
    return model


def blind_to_the_mask() -> Any:
    def without(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return args, {**kwargs, "attention_mask": None}

    model = trained()
    model.bert.encoder.layer[1].attention.self.register_forward_pre_hook(without, with_kwargs=True)
    return model


def with_nan() -> Any:
    model = trained()
    with torch.no_grad():
        model.bert.encoder.layer[1].output.dense.weight[3, 5] = float("nan")
    return model


def with_zero_projection() -> Any:
    model = trained()
    nn.init.zeros_(model.bert.encoder.layer[1].attention.self.value.weight)
    return model


def with_constant_units() -> Any:
    model = trained()
    with torch.no_grad():
        model.bert.encoder.layer[1].output.LayerNorm.weight[:5] = 0
    return model


def with_saturated_head() -> Any:
    model = trained()
    with torch.no_grad():
        for projection in (
            model.bert.encoder.layer[1].attention.self.query,
            model.bert.encoder.layer[1].attention.self.key,
        ):
            projection.weight[8:16] *= 3e3
    return model


def with_equal_segments() -> Any:
    model = trained()
    nn.init.zeros_(model.bert.embeddings.token_type_embeddings.weight)
    return model


def with_two_of_one_name() -> Any:
    model = trained()
    model.config.id2label = {0: "yes", 1: "yes"}
    return model


def with_one_name() -> Any:
    model = trained()
    model.config.id2label = {0: "yes"}
    return model


def changed(path: str, change: Callable[[torch.Tensor], Any], name: str = "weight") -> Any:
    model = trained()
    with torch.no_grad():
        change(getattr(model.get_submodule(path), name))
    return model


def with_collapsed_norm() -> Any:
    model = changed("bert.encoder.layer.1.output.LayerNorm", lambda weight: weight.mul_(1e-5))
    nn.init.normal_(model.bert.encoder.layer[1].output.LayerNorm.bias)
    return model


def with_large_eps() -> Any:
    model = trained()
    model.bert.encoder.layer[0].attention.output.LayerNorm.eps = 0.1
    return model


def with_half_off(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * 1.5 if x.dtype == torch.bfloat16 else x.relu()


calls = iter(range(10**6))
SELF = "bert.encoder.layer.1.attention.self"
BROKEN: dict[str, tuple[Question, Callable[[], Any], str, str | None, str]] = {
    "a mask that is not applied": ("padding", blind_to_the_mask, "fail", SELF, "layer 1, attention"),
    "sentences that reach each other": (
        "batch-order",
        lambda: working(lambda x: x + x[:1]),
        "fail",
        ACTIVATION,
        "layer 1, gelu activation",
    ),
    "numbers from run to run": (
        "determinism",
        lambda: working(lambda x: x + next(calls)),
        "fail",
        ACTIVATION,
        "differ by up to",
    ),
    "numbers that are drawn": (
        "determinism",
        lambda: working(lambda x: x + torch.rand_like(x)),
        "fail",
        ACTIVATION,
        "differ by up to",
    ),
    "a NaN weight": ("weights", with_nan, "fail", "bert.encoder.layer.1.output.dense", "1 weights are NaN"),
    "a NaN in the run": (
        "finite",
        with_nan,
        "fail",
        "bert.encoder.layer.1.output.dense",
        "sentence 1, token 0 ([CLS]), hidden 3: its weight holds such numbers",
    ),
    "an overflow": (
        "finite",
        lambda: working(lambda x: (x.abs() + 1) * torch.finfo(x.dtype).max * 2),
        "fail",
        ACTIVATION,
        "though all that it received is finite",
    ),
    "a projection of zeros": ("units", with_zero_projection, "fail", f"{SELF}.value", "are zero"),
    "constant units": ("units", with_constant_units, "warn", "bert.encoder.layer.1.output.LayerNorm", "5 of 32 units"),
    "a saturated head": ("units", with_saturated_head, "warn", SELF, "head 1 of 4"),
    "silent units": ("units", lambda: working(lambda x: x * 0), "warn", ACTIVATION, "100% of the units are silent"),
    "one answer for all, from a norm": (
        "answers",
        with_collapsed_norm,
        "fail",
        "bert.encoder.layer.1.output.LayerNorm",
        "dies in layer norm",
    ),
    "one answer for all, from the head": (
        "answers",
        lambda: changed("classifier", lambda weight: weight.mul_(1e-6)),
        "fail",
        "classifier",
        "dies in logits",
    ),
    "one answer for all, from a bias": (
        "answers",
        lambda: changed("classifier", lambda bias: bias[1].add_(10_000), "bias"),
        "fail",
        "classifier",
        "dies in logits",
    ),
    "one answer for all, from a causal mask": (
        "answers",
        lambda: trained(is_decoder=True),
        "fail",
        "bert.pooler",
        "dies in first token [CLS]",
    ),
    "a head of zeros": (
        "head",
        lambda: changed("classifier", nn.init.zeros_),
        "fail",
        "classifier",
        "all its weights are zero",
    ),
    "two equal rows": (
        "head",
        lambda: changed("classifier", lambda weight: weight[1].copy_(weight[0])),
        "fail",
        "classifier",
        "its rows for class 0 and class 1 are equal",
    ),
    "a class that never wins": (
        "head",
        lambda: changed("classifier", lambda bias: bias[1].add_(10_000), "bias"),
        "fail",
        "classifier",
        "it never answers class 0",
    ),
    "words of zeros": (
        "units",
        lambda: changed("bert.embeddings.word_embeddings", nn.init.zeros_),
        "fail",
        "bert.embeddings.word_embeddings",
        "every id gets the same",
    ),
    "positions of zeros": (
        "units",
        lambda: changed("bert.embeddings.position_embeddings", nn.init.zeros_),
        "fail",
        "bert.embeddings.position_embeddings",
        "every id gets the same",
    ),
    "weights next to zero": (
        "units",
        lambda: changed(f"{SELF}.query", lambda weight: weight.mul_(1e-30)),
        "fail",
        f"{SELF}.query",
        "are next to zero",
    ),
    "a norm that damps": (
        "units",
        with_large_eps,
        "fail",
        "bert.encoder.layer.0.attention.output.LayerNorm",
        "adds 0.1 to the variance",
    ),
    "segments that are equal": (
        "segments",
        with_equal_segments,
        "warn",
        "bert.embeddings.token_type_embeddings",
        "change nothing",
    ),
    "one segment": ("segments", lambda: trained(type_vocab_size=1), "warn", None, "one segment only"),
    "a head as drawn": ("head", tiny_model, "fail", "classifier", "as right after initialization"),
    "two classes of one name": ("labels", with_two_of_one_name, "warn", None, "two classes are called 'yes'"),
    "a class without a name": ("labels", with_one_name, "fail", None, "2 classes, id2label names 1"),
    "classes without names": ("labels", tiny_model, "warn", None, "have no names"),
    "half precision gone wrong": ("precision", lambda: working(with_half_off), "fail", ACTIVATION, "layer 1"),
    "an embedding too small": (
        "tokenizer",
        lambda: trained(vocab_size=20000),
        "fail",
        None,
        "28995, the embedding has",
    ),
    "another padding": ("tokenizer", lambda: trained(pad_token_id=5), "fail", None, "the configuration says 5"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found_where_it_is(tokenizer: Any, name: str) -> None:
    question, make, verdict, path, evidence = BROKEN[name]
    found = finding(question, make(), tokenizer)
    assert found.verdict == verdict and evidence in found.evidence, found
    assert found.path == path and found.fix


def test_what_the_loading_said_is_a_finding(tokenizer: Any) -> None:
    model = trained()
    assert finding("head", model, tokenizer, initialised=["classifier.weight"]).verdict == "fail"
    missing = finding("weights", model, tokenizer, initialised=["bert.pooler.dense.bias"])
    assert (missing.verdict, missing.path) == (
        "fail",
        "bert.pooler.dense",
    ) and "1 tensor of the body" in missing.evidence
    unused = finding("weights", model, tokenizer, unused=["bert.encoder.layer.2.output.dense.weight"])
    assert unused.verdict == "warn" and "have no place" in unused.evidence
    other = ["m was saved from a BertForTokenClassification: its head was not trained for sequence classification"]
    assert finding("head", model, tokenizer, notices=other).verdict == "fail"
    said = finding("labels", model, tokenizer, notices=["m says num_labels 3 and names 2 labels"])
    assert said.verdict == "fail"


def test_sentences_are_examined_too(tokenizer: Any) -> None:
    model = trained()
    long = finding("truncation", model, tokenizer, texts=["cats " * 70, "cats"])
    assert long.verdict == "warn" and "sentence 1 has 72 tokens, the limit is 64: 8 are cut" in long.evidence
    unknown = finding("tokenizer", model, tokenizer, texts=["\u16a0 \u16a1 \u16a2 cats"])
    assert unknown.verdict == "fail" and "75% of 4 tokens are unknown" in unknown.evidence
    blank = finding("visible", model, tokenizer, texts=["cats", " "])
    assert blank.verdict == "warn" and "sentence 2 is blank" in blank.evidence


def test_casing_is_held_against_the_vocabulary(tokenizer: Any) -> None:
    from bert_inspect.loading.tokenizer import load_tokenizer

    model = trained(vocab_size=30522)
    uncased = load_tokenizer(located("bert-base-uncased", weights="none"))
    assert finding("tokenizer", model, uncased).verdict == "pass"
    vocabulary = dict(tokenizer.get_vocab())
    lowering = type(tokenizer)(vocab=vocabulary, do_lower_case=True)
    assert "capital letters" in finding("tokenizer", model, lowering).evidence
    keeping = type(uncased)(vocab=dict(uncased.get_vocab()), do_lower_case=False)
    assert "the vocabulary has none" in finding("tokenizer", model, keeping).evidence


def test_a_vocabulary_of_letters_needs_no_lower_case(tokenizer: Any) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"ACGT"]
    kind, model = type(tokenizer), trained(vocab_size=9, pad_token_id=0)
    for letters, text in (("ACGT", "A C G T"), ("acgt", "a c g t")):
        vocabulary = {word: number for number, word in enumerate([*words[:5], *letters])}
        keeping = kind(vocab=vocabulary, do_lower_case=False)
        assert finding("tokenizer", model, keeping, texts=[text]).verdict == "pass"
    wrongly = kind(vocab={word: number for number, word in enumerate(words)}, do_lower_case=True)
    assert "capital letters" in finding("tokenizer", model, wrongly, texts=["A C G T"]).evidence


def test_a_class_that_may_still_win_is_not_called_lost(tokenizer: Any) -> None:
    model = trained()
    with torch.no_grad():  # the pooler's tanh can make up for just this much
        apart = (model.classifier.weight[0] - model.classifier.weight[1]).abs().sum()
        model.classifier.bias.copy_(torch.tensor([0.0, float(apart) * 0.99]))
    assert finding("head", model, tokenizer).verdict == "pass"
    model.classifier.bias.data[1] *= 1.02
    assert "it never answers class 0" in finding("head", model, tokenizer).evidence
    model.config.problem_type = "multi_label_classification"
    assert finding("head", model, tokenizer).verdict == "pass"


def test_a_model_that_cannot_be_run_fails_and_the_rest_is_answered(tokenizer: Any) -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("boom")

    model = working(fails)
    assert "boom" in finding("determinism", model, tokenizer).evidence
    assert finding("finite", model, tokenizer).verdict == "fail"
    assert finding("head", model, tokenizer).verdict == "pass"


@pytest.mark.slow
def test_the_examined_model_is_left_as_it_was(tokenizer: Any) -> None:
    model = trained().train()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    generator = torch.get_rng_state()
    for question in QUESTIONS:
        finding(question, model, tokenizer)
    assert model.training and model.config._attn_implementation == "eager" and model.dtype == torch.float32
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), generator)


def test_questions_are_chosen_by_name() -> None:
    assert questions(None, None) == list(QUESTIONS)
    assert questions("padding, head", None) == ["head", "padding"]
    assert questions("padding,head", "head") == ["padding"]
    with pytest.raises(UsageError, match="there is no question 'paddin'") as raised:
        questions("paddin", None)
    assert raised.value.hint == "did you mean padding?"
    with pytest.raises(UsageError, match="no question is left"):
        questions("head", "head")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_healthy_model_of_any_family_is_told_so(tokenizer: Any, family: Family) -> None:
    """Of a pass over one sentence, over several, and over them in another order."""
    model = tiny(family, SEQUENCE_CLASSIFICATION, vocab_size=len(tokenizer))
    asked: tuple[Question, ...] = ("finite", "padding", "batch-order", "precision")
    for question in asked:
        found = finding(question, model, tokenizer, texts=[*TEXTS, "one more sentence"])
        assert found.verdict == "pass", found
