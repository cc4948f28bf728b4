"""`compare` from the outside: two settings of a model in one process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def other_checkpoint(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights under a configuration with another eps."""
    folder = tmp_path_factory.mktemp("other") / "other"
    folder.mkdir()
    for file in checkpoint.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-5}))
    return folder


def compared(command: Command, *arguments: Any, code: int = 0) -> dict[str, Any]:
    found, out, err = command("compare", *TEXTS, *arguments, "--json")
    assert found == code, err
    return dict(json.loads(out, parse_constant=lambda bare: pytest.fail(bare)))


@pytest.mark.slow
def test_healthy_settings_agree(command: Command, checkpoint: Path) -> None:
    model = ["--model", checkpoint]
    twice = compared(command, *model)
    assert twice["same"] and {step["status"] for step in twice["steps"]} == {"identical"}
    fused = compared(command, *model, "--b", "attention=sdpa", "--labels", "1,0")
    assert fused["same"] and (fused["a"], fused["b"]) == ("baseline", "attention=sdpa")
    assert {step["by"] for step in fused["steps"]} == {"values"}
    assert [setting["what"] for setting in fused["settings"]] == ["model.attention"]
    rounded = compared(command, *model, "--a", "dtype=bfloat16", "--b", "dtype=float16")
    assert rounded["same"] and [setting["what"] for setting in rounded["settings"]] == ["model.dtype"]


def test_settings_may_be_repeated(command: Command, checkpoint: Path) -> None:
    settings = ["--b", f"text={TEXTS[0]}", "--b", "attention=sdpa", "--b", "dtype=float64"]
    found = compared(command, "--model", checkpoint, *settings)
    assert found["same"] and found["notes"] == ["sentence 2 of A has no partner"]
    assert all(step["by"] == "values" for step in found["steps"])


def test_each_side_may_have_its_sentences(command: Command, checkpoint: Path) -> None:
    sides = ["--a", "text=I love cats!", "--a", "text=So do I.", "--b", "text=So do I.", "--a", "pair=Me too."]
    code, out, _ = command("compare", "--model", checkpoint, *sides, "--json")
    found = json.loads(out)
    assert code == 1 and found["first"]["label"] in ("position ids", "positions", "word embeddings")
    stdin = "\n".join(TEXTS).encode()
    code, out, _ = command("compare", "--model", checkpoint, "--b", "attention=sdpa", "--json", stdin=stdin)
    assert code == 0 and json.loads(out)["same"]


def test_another_seed_is_another_model(command: Command) -> None:
    found = compared(command, "--model", "bert-tiny", "--weights", "random", "--b", "seed=1", code=1)
    assert found["first"]["label"] == "word embeddings" and found["settings"] == [
        {"what": "model.seed", "a": 123, "b": 1}
    ]
    assert "the weights differ: bert.embeddings.word_embeddings.weight in 3," in found["cause"]["note"]
    assert [step["label"] for step in found["also"]] == ["token type embeddings", "position embeddings"]


def test_another_checkpoint_is_told_apart(command: Command, checkpoint: Path, other_checkpoint: Path) -> None:
    found = compared(command, "--model", checkpoint, "--b", f"model={other_checkpoint}", code=1)
    assert found["first"]["path"] == "bert.embeddings.LayerNorm"
    assert {setting["what"] for setting in found["settings"]} == {"model.name", "model.config.layer_norm_eps"}
    assert found["cause"]["suspect"] == "layer norm eps" and found["cause"]["gap_left"] == 0
    code, out, _ = command("compare", *TEXTS, "--model", checkpoint, "--b", f"model={other_checkpoint}")
    assert code == 1 and out.startswith("first divergence: embeddings, layer norm, ")
    assert "explained by: layer_norm_eps 1e-12 against 1e-05 (gap falls from " in out


def test_without_weights_shapes_are_compared(command: Command) -> None:
    model = ["--model", "bert-tiny", "--weights", "none"]
    found = compared(command, *model, "--b", "attention=sdpa")
    assert found["same"] and found["verdict"] == "the same shapes; no numbers of the two can be compared"
    found = compared(command, *model, "--b", "model=bert-mini", code=1)
    assert found["first"]["note"] == "shapes differ: hidden 128 against 256" and found["cause"] is None


def test_one_model_serves_both_sides_where_it_can(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bert_inspect.loading.model as models

    loaded: list[Any] = []
    load = models.load
    monkeypatch.setattr(models, "load", lambda *args, **kwargs: loaded.append(args) or load(*args, **kwargs))
    compared(command, "--model", checkpoint, "--b", "attention=sdpa", "--b", f"text={TEXTS[1]}")
    assert len(loaded) == 1
    compared(command, "--model", checkpoint, "--b", "dtype=float64")
    assert len(loaded) == 3


def test_what_is_too_large_for_values_is_compared_by_statistics(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bert_inspect.analysis.compare as sides

    monkeypatch.setattr(sides, "MOST_NUMBERS", 30_000)
    found = compared(command, "--model", checkpoint, "--b", "attention=sdpa")
    assert {step["by"] for step in found["steps"]} == {"statistics"} and "too many to hold" in found["notes"][0]
    found = compared(command, "--model", checkpoint, "--b", "attention=sdpa", "--layer", "1")
    assert found["notes"] == [] and "values" in {step["by"] for step in found["steps"]}


def test_only_what_is_selected_is_compared(command: Command, checkpoint: Path) -> None:
    found = compared(command, "--model", checkpoint, "--b", "attention=sdpa", "--layer", "1")
    assert found["same"] and {step["layer"] for step in found["steps"] if step["by"] == "values"} <= {1, None}
    code, out, _ = command("compare", *TEXTS, "--model", checkpoint, "--all", "--module", "bert.pooler.**")
    assert code == 0 and "tanh activation" in out and "query projection" not in out


def test_the_forward_may_fail_on_one_side(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in checkpoint.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "vocab_size": 12000}))
    found = compared(command, "--model", checkpoint, "--weights", "random", "--b", f"model={broken}", code=1)
    assert "the forward of one failed" in found["verdict"]
    assert any(setting["what"] == "failure" and "18457" in setting["b"] for setting in found["settings"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--b", "sdpa"], "--b 'sdpa' is not a setting"),
        (["--b", "colour=red"], "--b 'colour=red' is not a setting"),
        (["--a", "attention=flash"], "is not one of eager, sdpa"),
        (["--a", "dtype=int8"], "is not one of float32"),
        (["--a", "seed=-1"], "is not a number"),
        (["--b", "num_labels=0"], "is not a number"),
        (["--b", "seed=1", "--b", "seed=2"], "--b gives seed twice"),
        (["--b", "text=\udcff"], "is not valid UTF-8"),
        (["--layer", "7"], "there is no layer 7"),
        (["--atol", "-1"], "--atol"),
    ],
)
def test_what_cannot_be_set_is_one_clear_error(
    command: Command, checkpoint: Path, arguments: list[str], message: str
) -> None:
    code, out, err = command("compare", "x", "--model", checkpoint, *arguments)
    assert (code, out) == (2, "") and message in err and err.count("error: ") == 1


def test_a_model_that_is_not_there_is_3(command: Command, checkpoint: Path) -> None:
    code, out, err = command("compare", "x", "--model", checkpoint, "--b", "model=./nowhere/at/all")
    assert (code, out) == (3, "") and "there is no folder ./nowhere/at/all" in err


def test_why_explains_both_sides_by_the_same_number(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    given = ("compare", TEXTS[0], "--b", f"text={TEXTS[1]}", "--model", checkpoint, "--why", "--target", "1")
    code, out, _ = command(*given, "--json")
    compared, *explained = map(json.loads, out.splitlines())
    assert code == 1 and compared["format"] == "bert-inspect-diff"
    for text, told in zip(TEXTS, explained, strict=True):
        with torch.inference_mode():
            logit = float(model(**tokenizer([text], return_tensors="pt")).logits[0, 1])
        assert told["input"]["texts"] == [text] and told["answers"][0]["total"]["value"] == logit
    shown = command(*given)[1]
    assert shown.index("why A: baseline") < shown.index(f"why B: text={TEXTS[1]}") and shown.count("\nsum ") == 2
    fused = ("compare", TEXTS[0], "--b", "attention=sdpa", "--model", checkpoint)
    code, _, err = command(*fused, "--target", "1")
    assert code == 2 and "hint: add --why" in err
    code, _, err = command(
        "compare", TEXTS[0], "--b", "attention=sdpa", "--model", checkpoint, "--why", "--weights", "none"
    )
    assert code == 2 and "without weights" in err
