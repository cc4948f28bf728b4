"""A config.json that is damaged, absurd or hostile: refused before memory is taken, or not acted upon."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import change
from safetensors.torch import save_file

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]

WRONG: list[tuple[str, Any, str]] = [
    ("hidden_size", 10**9, "hidden_size is 1000000000, not a whole number from 1 to 100,000"),
    ("vocab_size", 10**12, "vocab_size is 1000000000000, not"),
    ("num_hidden_layers", 10**6, "num_hidden_layers is 1000000, not"),
    ("num_hidden_layers", 0, "num_hidden_layers is 0, not"),
    ("num_hidden_layers", -1, "num_hidden_layers is -1, not"),
    ("num_hidden_layers", "12", 'num_hidden_layers is "12", not'),
    ("num_hidden_layers", True, "num_hidden_layers is true, not"),
    ("num_hidden_layers", 2.0, "num_hidden_layers is 2.0, not"),
    ("hidden_size", [32], "hidden_size is a list, not"),
    ("hidden_size", None, "hidden_size is null, not"),
    ("hidden_size", float("inf"), "hidden_size is Infinity, not"),
    ("hidden_size", 10**4000, "hidden_size is 10000"),
    ("hidden_size", 33, "hidden_size 33 cannot be divided among 4 attention heads"),
    ("num_attention_heads", 0, "num_attention_heads is 0, not"),
    ("vocab_size", 0, "vocab_size is 0, not"),
    ("intermediate_size", {}, "intermediate_size is an object, not"),
    ("max_position_embeddings", 0, "max_position_embeddings is 0, not"),
    ("type_vocab_size", 0, "type_vocab_size is 0, not"),
    ("chunk_size_feed_forward", -1, "chunk_size_feed_forward is -1, not"),
    ("pad_token_id", 16, "pad_token_id 16 is not one of the 16 word embeddings"),
    ("pad_token_id", "0", 'pad_token_id is "0", not'),
    ("layer_norm_eps", "1e-12", 'layer_norm_eps is "1e-12", not a number'),
    ("layer_norm_eps", float("nan"), "layer_norm_eps is NaN, not a number"),
    ("hidden_dropout_prob", 2, "hidden_dropout_prob is 2, not a number from 0 to 1"),
    ("initializer_range", -1, "initializer_range is -1, not"),
    ("initializer_range", 10**400, "initializer_range is 1000"),
    ("hidden_act", ["gelu"], "hidden_act is a list, not a name"),
    ("is_decoder", "yes", 'is_decoder is "yes", not true or false'),
    ("add_cross_attention", True, "add_cross_attention is for decoders"),
    ("num_labels", 10**9, "num_labels is 1000000000, not"),
    ("num_labels", 0, "num_labels is 0, not"),
    ("id2label", {}, "id2label names 0 classes, not 1 to 100,000"),
    ("id2label", ["a", "b"], "id2label is a list, not"),
    ("id2label", {"0": None, "1": "b"}, "the name of class 0 in id2label is null, not a text or a number"),
    ("id2label", {"0": ["a"], "1": "b"}, "the name of class 0 in id2label is a list, not a text or a number"),
    ("id2label", {"x": "a"}, "id2label has the key 'x', which is not the number of a class"),
    ("id2label", {"0": "a", "00": "b"}, "id2label names one class twice"),
    ("id2label", {str(number): "x" for number in range(100_001)}, "id2label names 100,001 classes, not 1 to 100,000"),
    ("problem_type", "guessing", 'problem_type is "guessing", not regression or'),
    ("problem_type", [], "problem_type is a list, not"),
    ("dtype", "load", 'dtype is "load", not float64 or float32'),
    ("dtype", {"": "float16"}, "dtype is an object, not"),
    ("torch_dtype", "float8_e4m3fn", 'torch_dtype is "float8_e4m3fn", not'),
    ("quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}, "copy is quantised"),
    ("position_embedding_type", "relative_key", 'position_embedding_type "relative_key", which transformers 5'),
    ("model_type", "gpt2", "a gpt2 checkpoint (BertForSequenceClassification), which is not read"),
    ("model_type", "\x1b[31mbert", "a \\x1b[31mbert checkpoint"),
    ("model_type", "b" * 10_000, "bbb... checkpoint"),
    ("model_type", 5, "a checkpoint that does not name its model_type"),
    ("hidden_act", "explode", "there is no activation 'explode'"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("key", "value", "message"), WRONG, ids=lambda value: str(value)[:20])
def test_a_wrong_setting_is_named(copy: Path, refused: Refused, key: str, value: Any, message: str) -> None:
    change(copy / "config.json", **{key: value})
    needs_torch = value == "explode"
    for arguments in (["run", "x", "--model", copy], ["run", "x", "--model", copy, "--weights", "none"]):
        assert message in refused(*arguments)
        if needs_torch:
            break
    assert message in refused("model", copy)


DAMAGED = [
    (b"", "Expecting value"),
    (b"{", "damaged"),
    (b"[]", "no JSON object"),
    (b'{"model_type": "bert", "model_type": "gpt2"}', "two values for 'model_type'"),
    (b'{"model_type": "bert\xff"}', "not UTF-8 text"),
    (b'{"model_type": "bert", "id2label": {"0": "\\udc00", "1": "b"}}', "not UTF-8 text"),
    (b'{"model_type": "bert", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b'{"model_type": "bert", "hidden_size": ' + b"9" * 5000 + b"}", "damaged: Exceeds the limit"),
    (b" " * (8 * 2**20 + 1), "larger than 8 MiB"),
]


@pytest.mark.parametrize(("content", "message"), DAMAGED, ids=lambda value: str(value)[:20])
def test_a_damaged_configuration_is_refused(copy: Path, refused: Refused, content: bytes, message: str) -> None:
    (copy / "config.json").write_bytes(content)
    assert message in refused("run", "x", "--model", copy)


def test_a_configuration_of_terabytes_is_not_read(copy: Path, refused: Refused) -> None:
    with (copy / "config.json").open("wb") as stream:
        stream.truncate(2**40)
    assert "larger than 8 MiB" in refused("run", "x", "--model", copy)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 100_000, "intermediate_size": 1_000_000, "num_hidden_layers": 256},
        {"vocab_size": 10_000_000, "hidden_size": 50_000, "num_attention_heads": 1},
    ],
)
def test_what_no_machine_can_hold_is_refused_before_it_is_built(copy: Path, refused: Refused, sizes: Any) -> None:
    change(copy / "config.json", **sizes)
    assert "in another shape than its configuration says" in refused("run", "x", "--model", copy)
    assert "GiB; this machine has" in refused("run", "x", "--model", copy, "--weights", "random")


def test_the_weights_of_another_family_lack_its_tensors(copy: Path, refused: Any) -> None:
    change(copy / "config.json", model_type="distilbert", dim=32, n_layers=2, n_heads=4, hidden_dim=64)
    error = refused("run", "x", "--model", copy)
    assert "lacks 36 tensors besides the head's: distilbert." in error and "of other names: bert." in error


def test_a_model_far_larger_than_its_weights_is_refused_before_it_is_built(copy: Path, command: Command) -> None:
    sizes = {"hidden_size": 2048, "intermediate_size": 8192}
    save_file({"bert.pooler.dense.bias": torch.zeros(2048)}, copy / "model.safetensors")
    change(copy / "config.json", **sizes)
    code, _, err = command("run", "x", "--model", copy)
    assert code == 3 and "its weights hold 2,048 numbers\n" in err


def test_the_largest_that_is_allowed_is_shown_without_weights(copy: Path, command: Command) -> None:
    change(copy / "config.json", hidden_size=100_000, vocab_size=10_000_000, num_hidden_layers=20)
    code, out, err = command("model", copy, "--depth", "1")
    assert code == 0, err
    layer = 4 * (100_000**2 + 100_000) + 2 * 100_000 * 64 + 64 + 5 * 100_000
    rows = 10_000_000 + 64 + 2
    count = rows * 100_000 + 2 * 100_000 + 20 * layer + 100_000**2 + 100_000 + 2 * 100_000 + 2
    assert f"{count:,}" in out


HOSTILE = {
    "trust_remote_code": True,
    "_attn_implementation": "someone/kernel",
    "_attn_implementation_internal": "someone/kernel",
    "attn_implementation": "flash_attention_2",
    "_experts_implementation": "someone/kernel",
    "_commit_hash": "0" * 40,
    "_name_or_path": "https://example.invalid/model",
    "name_or_path": "https://example.invalid/model",
    "base_model_name_or_path": "someone/else",
    "transformers_weights": "../elsewhere.safetensors",
    "use_safetensors": False,
    "fusion_config": {"all": True},
    "per_layer_config": {"0": {"hidden_size": 5}},
    "sub_configs": {"x": 1},
    "attribute_map": {"hidden_size": "vocab_size"},
    "return_dict": False,
    "output_attentions": True,
    "output_hidden_states": True,
    "embedding_size": 3,
    "is_encoder_decoder": True,
    "pruned_heads": {"0": [1]},
    "gradient_checkpointing": True,
    "to_dict": "no method any more",
    "__class__": "int",
    "__init__": None,
    "forward": "x",
    "label2id": {"\x1b[2J": "seven"},
    "rope_scaling": {"type": "x"},
    "layer_types": 5,
    "torchscript": True,
    "generation_config": "x",
    "extra_files": ["/etc/passwd"],
}


def test_settings_that_are_no_business_of_a_checkpoint_change_nothing(copy: Path, command: Command) -> None:
    arguments = ("run", "I love cats!", "--json", "--model", copy)
    code, plain, err = command(*arguments)
    assert code == 0, err
    change(copy / "config.json", **HOSTILE)
    assert command(*arguments) == (0, plain, err)


def test_code_of_a_checkpoint_is_not_run(copy: Path, command: Command, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (copy / "modeling_own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    (copy / "configuration_own.py").write_text(f"open({str(ran)!r}, 'w')\nclass OwnConfig: pass\n")
    own = {"AutoConfig": "configuration_own.OwnConfig", "AutoModelForSequenceClassification": "modeling_own.Own"}
    change(copy / "config.json", auto_map=own, trust_remote_code=True)
    change(copy / "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_own.Own", None]})
    code, out, err = command("run", "x", "--model", copy)
    assert code == 0 and "BertForSequenceClassification" in out and not ran.exists()
    assert err.splitlines() == [
        "copy brings code of its own (auto_map): it is not run; what runs is the BERT of transformers",
        "the tokenizer of copy brings code of its own (auto_map): it is not run",
    ]
    assert command("run", "x", "--model", copy, "--quiet") == (0, out, "")


def test_a_python_user_is_warned(copy: Path) -> None:
    import bert_inspect

    change(copy / "config.json", auto_map={"AutoModel": "x.Y"})
    with pytest.warns(UserWarning, match="code of its own"):
        model, _ = bert_inspect.load(str(copy))
    assert type(model).__module__ == "transformers.models.bert.modeling_bert"


def test_labels_are_shown_as_text(copy: Path, command: Command) -> None:
    change(copy / "config.json", id2label={"0": "\U0001f408\x1b[31m[bold]no", "1": "\u202eyes\x07"}, num_labels=5)
    code, out, err = command("run", "x", "--model", copy)
    assert code == 0 and "says num_labels 5 and names 2 labels" in err
    assert not set(out) & {"\x1b", "\x07", "\u202e"} and ("[bold]no" in out or "\\u202eyes" in out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_decoder": True}, 0),
        ({"is_decoder": True, "use_cache": True, "add_cross_attention": True}, 0),
        ({"chunk_size_feed_forward": 4}, 1),  # 6 tokens are no multiple: the trace ends there
        ({"chunk_size_feed_forward": 1}, 0),
        ({"problem_type": "regression"}, 0),
        ({"problem_type": "multi_label_classification"}, 0),
        ({"classifier_dropout": None, "layer_norm_eps": 0, "pad_token_id": None}, 0),
        ({"pad_token_id": -1, "hidden_act": "relu"}, 0),
        ({"dtype": "bfloat16"}, 0),
        ({"torch_dtype": "float16", "dtype": None}, 0),
        ({"max_position_embeddings": 3}, 2),
    ],
    ids=str,
)
def test_odd_settings_run_as_they_are(copy: Path, command: Command, changes: dict[str, Any], code: int) -> None:
    change(copy / "config.json", **changes)
    found, out, err = command("run", "I love cats!", "--model", copy, "--weights", "random")
    assert found == code and "Traceback" not in err and "unexpected" not in err, err
    assert bool(out) == (code != 2)
