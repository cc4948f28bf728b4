"""`patch` from the outside: exit codes, streams, JSON that fits its schema, what the picture says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonschema import Draft202012Validator

from bert_inspect import patch
from bert_inspect.analysis.effects.record import schema

Command = Callable[..., tuple[int, str, str]]
CLEAN, CORRUPT = "I love cats!", "I hate cats!"


def found(out: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(out)
    Draft202012Validator(schema()).validate(told)
    return told


def test_the_two_runs_are_what_plain_transformers_returns(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    with torch.inference_mode():
        plain = model(**tokenizer([CLEAN, CORRUPT], return_tensors="pt")).logits.double()
    code, out, _ = command("patch", CLEAN, CORRUPT, "--model", checkpoint, "--json")
    told = found(out)
    assert code == 0 and (told["command"], told["each"], told["direction"]) == ("patch", "layer-token", "denoising")
    (answer,) = told["answers"]
    one, other = answer["target"]["of"]["index"], answer["target"]["against"]["index"]
    assert (one, answer["sentence"]) == (int(plain[0].argmax()), 1)
    for row, name in enumerate(("clean", "corrupt")):
        assert answer[name] == pytest.approx(float(plain[row, one] - plain[row, other]), abs=1e-6)
    whole = answer["clean"] - answer["corrupt"]
    for effect in answer["effects"]:
        assert effect["normalised"] == pytest.approx((effect["value"] - answer["corrupt"]) / whole, abs=1e-9)


def test_in_the_terminal_stand_both_runs_and_a_map_of_tokens(command: Command, checkpoint: Path) -> None:
    answer = found(command("patch", CLEAN, CORRUPT, "--model", checkpoint, "--json")[1])["answers"][0]
    code, out, _ = command("patch", CLEAN, CORRUPT, "--model", checkpoint)
    assert code == 0 and "\x1b" not in out and "sufficient" in out
    for name, text in (("clean", CLEAN), ("corrupt", CORRUPT)):
        row = re.search(rf"^{name} +{re.escape(text)} +(LABEL_\d) +(\S+)$", out, re.MULTILINE)
        assert row is not None and row[1] == answer[f"{name}_answer"]
        assert float(row[2]) == pytest.approx(answer[name], rel=1e-2)
    assert re.search(r"^ +0 +1 +2$", out, re.MULTILINE)
    (differs,) = re.findall(r"^\d+ (\S+) +\* ", out, re.MULTILINE)
    assert differs in "hate"
    out = command("patch", CLEAN, CORRUPT, "--model", checkpoint, "--direction", "noising", "--each", "head")[1]
    assert "necessary" in out and re.search(r"^head +0 +1 +2 +3$", out, re.MULTILINE)


def test_json_on_stdout_is_the_same_as_in_the_file(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "effects.json"
    given = ("patch", CLEAN, CORRUPT, "--model", checkpoint, "--each", "attention")
    code, out, _ = command(*given, "-o", file, "--json")
    assert code == 0 and file.read_text() == out == command(*given, "-o", "-")[1]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".svg", ".html", ".png"])
def test_a_picture_is_written_whole_and_twice_the_same(
    command: Command, checkpoint: Path, tmp_path: Path, suffix: str
) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        given = ("patch", "I <b>love</b> cats!", "I <b>hate</b> cats!", "--model", checkpoint)
        code, out, err = command(*given, "-o", file)
        assert code == 0 and "sufficient" in out and f"written to {file}" in err
    assert files[0].read_bytes() == files[1].read_bytes() and files[0].stat().st_size > 500
    if suffix != ".png":
        text = files[0].read_text()
        assert "I &lt;b&gt;hate&lt;/b&gt; cats!" in text and "<b>" not in text and "sufficient" in text


def test_random_weights_show_nothing_that_looks_like_an_answer(command: Command) -> None:
    code, out, _ = command("patch", CLEAN, CORRUPT, "--model", "bert-tiny", "--weights", "random")
    assert code == 0 and "meaningless" in out and "class " in out
    assert "LABEL_" not in out and not re.search("changes? the answer", out)


def test_two_words_are_two_sentences(command: Command, checkpoint: Path) -> None:
    code, _, err = command("patch", "love", "hate", "--model", checkpoint)
    assert code == 0 and "in quotes" not in err


def test_a_text_is_shown_as_it_was_typed(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("patch", "I [red]love[/red] cats!", "I [red]hate[/red] cats!", "--model", checkpoint)
    assert code == 0 and "I [red]love[/red] cats!" in out and "I [red]hate[/red] cats!" in out


def test_the_python_function_gives_the_same_record(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    given = {"each": "intermediate", "direction": "noising", "metric": "probability"}
    flags = [flag for name, value in given.items() for flag in (f"--{name}", value)]
    told = found(command("patch", CLEAN, CORRUPT, "--model", checkpoint, "--json", "--target", "1", *flags)[1])
    mine = patch(model, tokenizer, CLEAN, CORRUPT, target=1, **given)
    assert json.loads(mine.json())["answers"] == told["answers"]
    assert "layer 1 feed-forward" in mine._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    ("corrupt", "given", "said"),
    [
        (CLEAN, [], "the same number within rounding"),
        ("I hate the cats!", [], "corrupt: [CLS]"),
        (CORRUPT, ["--target", "great"], "'great' is not a label of this model"),
        (CORRUPT, ["--weights", "none"], "without weights"),
        (CORRUPT, ["--metric", "probability", "--against", "1"], "leave --against out"),
        (CORRUPT, ["-o", "effects.pdf"], "effects.pdf"),
        (CORRUPT, ["--each", "neuron"], "--each"),
        (CORRUPT, ["--task", "multiple-choice"], "a text with choices cannot be patched"),
        (CORRUPT, ["--target", "1", "--against", "1"], "1 cannot be held against itself"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    command: Command,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    corrupt: str,
    given: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("patch", CLEAN, corrupt, "--model", checkpoint, *given)
    assert (code, out) == (2, "") and said in err and "Traceback" not in err and "`" not in err
    assert not list(tmp_path.iterdir())
