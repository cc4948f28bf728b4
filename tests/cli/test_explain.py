"""`explain` from the outside: exit codes, streams, JSON that fits its schema, files, many sentences."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import PAIRS, TEXTS, tiny_config
from jsonschema import Draft202012Validator
from transformers.models.bert.modeling_bert import BertForMaskedLM

from bert_inspect import explain
from bert_inspect.analysis.explain.explanation import schema

Command = Callable[..., tuple[int, str, str]]


def found(out: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(out)
    Draft202012Validator(schema()).validate(told)
    return told


def test_the_sum_is_the_logit_that_plain_transformers_returns(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, PAIRS, padding=True, return_tensors="pt")).logits
    pairs = [option for pair in PAIRS for option in ("--pair", pair)]
    for by in ("token", "component"):
        code, out, _ = command("explain", *TEXTS, *pairs, "--model", checkpoint, "--by", by, "--json", "--target", "1")
        told = found(out)
        assert code == 0 and told["format"] == "bert-inspect-explanation" and told["by"] == by
        for row, answer in enumerate(told["answers"]):
            assert answer["total"]["value"] == float(plain[row, 1]) == answer["target"]["of"]["logit"]
            shares = [share["share"] for share in (*answer.get("tokens", []), *answer.get("biases", []))]
            if by == "component":
                parts = answer["components"]
                shares += [parts["embeddings"], *parts["feed_forward"], *(s for layer in parts["heads"] for s in layer)]
            assert math.fsum(shares) == pytest.approx(float(plain[row, 1]), abs=1e-6)


def test_in_the_terminal_the_last_line_is_the_sum(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    with torch.inference_mode():
        logits = model(**tokenizer(TEXTS[0], return_tensors="pt")).logits[0]
    code, out, _ = command("explain", TEXTS[0], "--model", checkpoint)
    assert code == 0 and "\x1b" not in out
    said = re.fullmatch(r"sum (\S+) = logit (\S+) \(differs by .*, rounding explains .*\)", out.splitlines()[-1])
    assert said is not None and said[1] == said[2] and float(said[1]) == pytest.approx(float(logits.max()), rel=1e-3)
    assert all(f" {token} " in out for token in ("[CLS]", "love", "cats", "[SEP]"))
    code, out, _ = command("explain", TEXTS[0], "--model", checkpoint, "--by", "layer")
    assert code == 0 and "hidden_states[2]" in out and said[1][:6] in out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".json", ".svg", ".html", ".png"])
@pytest.mark.parametrize("by", ["token", "component", "layer"])
def test_a_file_is_written_whole_and_twice_the_same(
    command: Command, checkpoint: Path, tmp_path: Path, suffix: str, by: str
) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        code, out, err = command("explain", TEXTS[0], "--model", checkpoint, "--by", by, "-o", file)
        assert code == 0 and out and f"written to {file}" in err
    assert files[0].read_bytes() == files[1].read_bytes() and files[0].stat().st_size > 500
    if suffix == ".json":
        found(files[0].read_text())


def test_json_on_stdout_is_the_same_as_in_the_file(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "why.json"
    code, out, _ = command("explain", TEXTS[0], "--model", checkpoint, "-o", file, "--json")
    assert code == 0 and file.read_text() == out
    assert command("explain", TEXTS[0], "--model", checkpoint, "-o", "-")[1] == out


@pytest.mark.slow
def test_many_sentences_are_explained_a_line_each_as_if_alone(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    file, output = tmp_path / "sentences.txt", tmp_path / "why.jsonl"
    texts = [*TEXTS, "I love pizza.", "cats", "He hates cats and I love cats!"]
    file.write_text("\n\n".join(texts) + "\n")
    given = ("explain", "--input", file, "--model", checkpoint, "--batch-size", "2", "--target", "1")
    code, out, err = command(*given, "-o", output)
    assert (code, out) == (0, "") and f"5 sentences explained, written to {output}" in err
    told = [found(line) for line in output.read_text().splitlines()]
    assert sorted(line["input"]["lines"] for line in told) == [[1], [3], [5], [7], [9]]
    for line in told:
        (answer,), (text,) = line["answers"], line["input"]["texts"]
        assert text == texts[(line["input"]["lines"][0] - 1) // 2] and answer["sentence"] == 0
        alone = found(command("explain", text, "--model", checkpoint, "--target", "1", "--json")[1])["answers"][0]
        real = [token["share"] for token in answer["tokens"]]
        single = [token["share"] for token in alone["tokens"]]
        assert real[: len(single)] == pytest.approx(single, abs=1e-6) and not any(real[len(single) :])
    assert command(*given, "--json")[1] == output.read_text()


def test_the_python_function_gives_the_same_record(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    told = found(command("explain", *TEXTS, "--model", checkpoint, "--json", "--against", "0", "--target", "1")[1])
    mine = explain(model, tokenizer, TEXTS, target=1, against=0)
    assert json.loads(mine.json())["answers"] == told["answers"] and mine.adds_up
    shown = mine._repr_mimebundle_()
    assert "sum " in shown["text/plain"] and "<" in shown["text/html"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--target", "great"], "'great' is not a label of this model"),
        (["--target", "5"], "there is no class 5"),
        (["--token", "love"], "this model gives one answer a sentence"),
        (["--check", "--by", "component"], "--check goes with --by token"),
        (["--neurons", "3"], "--neurons goes with --by component"),
        (["--words", "--by", "layer"], "--words goes with --by token"),
        (["-o", "why.pdf"], "unsupported image format"),
        (["--weights", "none"], "without weights"),
        (["--input", "nowhere.txt"], "--input reads its sentences from the file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_before_anything_is_written(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("explain", TEXTS[0], "--model", checkpoint, *given)
    assert (code, out) == (2, "") and f"error: {said}" in err and "hint: " in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_sum_that_is_not_the_logit_is_exit_1(command: Command, tmp_path: Path, trained: Any, tokenizer: Any) -> None:
    import copy

    broken = copy.deepcopy(trained)
    broken.classifier.weight.data[1, 2] = float("nan")
    broken.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    code, _, err = command("explain", TEXTS[0], "--model", tmp_path, "--target", "1")
    assert code == 1 and "error: the sum differs from what the model returned" in err and "sentence 1" in err


def test_a_line_of_a_file_that_has_no_such_number_is_named(command: Command, tmp_path: Path, tokenizer: Any) -> None:
    BertForMaskedLM(tiny_config()).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "sentences.txt"
    file.write_text("I love [MASK].\n\nHe hates [MASK].\nno mask\n")
    code, out, err = command("explain", "--input", file, "--model", tmp_path, "-o", tmp_path / "why.jsonl")
    assert (code, out) == (2, "") and "error: line 4 has no mask" in err and not (tmp_path / "why.jsonl").exists()
