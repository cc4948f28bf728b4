"""`ablate` from the outside: exit codes, streams, JSON that fits its schema, what the picture says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS
from jsonschema import Draft202012Validator

from bert_inspect import ablate
from bert_inspect.analysis.effects.record import schema

Command = Callable[..., tuple[int, str, str]]


def found(out: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(out)
    Draft202012Validator(schema()).validate(told)
    return told


def test_the_base_is_what_plain_transformers_returns(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any
) -> None:
    with torch.inference_mode():
        plain = model(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits.double()
    code, out, _ = command("ablate", *TEXTS, "--model", checkpoint, "--json")
    told = found(out)
    assert code == 0 and (told["format"], told["command"]) == ("bert-inspect-effects", "ablate")
    for row, answer in enumerate(told["answers"]):
        assert answer["value"] == pytest.approx(float(abs(plain[row, 0] - plain[row, 1])), abs=1e-6)
        assert answer["probability"] == pytest.approx(float(plain[row].softmax(0).max()), abs=1e-6)
        assert [effect["edits"] for effect in answer["effects"]][:2] == [["layer.0.head.0"], ["layer.0.head.1"]]
        assert len(answer["effects"]) == 8


def test_json_on_stdout_is_the_same_as_in_the_file(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "effects.json"
    given = ("ablate", TEXTS[0], "--model", checkpoint, "--each", "word")
    code, out, _ = command(*given, "-o", file, "--json")
    assert code == 0 and file.read_text() == out
    assert command(*given, "-o", "-")[1] == out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".json", ".svg", ".html", ".png"])
def test_a_file_is_written_whole_and_twice_the_same(
    command: Command, checkpoint: Path, tmp_path: Path, suffix: str
) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        given = ("--importance",) if suffix in (".svg", ".html") else ("--each", "word")
        code, out, err = command("ablate", "I <b>love</b> cats!", "--model", checkpoint, *given, "-o", file)
        assert code == 0 and out and f"written to {file}" in err
    assert files[0].read_bytes() == files[1].read_bytes() and files[0].stat().st_size > 500
    if suffix in (".svg", ".html"):
        text = files[0].read_text()
        assert "I &lt;b&gt;love&lt;/b&gt; cats!" in text and "<b>" not in text
        assert "layer 1 head 3" in text and "normalised to a" in text


def test_in_the_terminal_stand_a_map_the_largest_and_the_base(command: Command, checkpoint: Path) -> None:
    told = found(command("ablate", TEXTS[0], "--model", checkpoint, "--json")[1])["answers"][0]
    code, out, _ = command("ablate", TEXTS[0], "--model", checkpoint)
    assert code == 0 and "\x1b" not in out
    base = re.search(r"^LABEL_\d - LABEL_\d  (\S+) = the log-odds", out, re.MULTILINE)
    assert base is not None and float(base[1]) == pytest.approx(told["value"], rel=1e-3)
    assert re.search(r"^head +0 +1 +2 +3$", out, re.MULTILINE)
    largest = max(told["effects"], key=lambda effect: abs(effect["effect"]))
    row = re.search(rf"layer {largest['layer']} head {largest['number']} +(\S+)", out)
    assert row is not None and float(row[1]) == pytest.approx(largest["effect"], rel=1e-3)
    code, out, _ = command("ablate", TEXTS[0], "--model", checkpoint, "--each", "neuron", "--layer", "1")
    assert code == 0 and "the 10 largest effects of 64 neurons" in out and out.count("layer 1 neuron") == 10
    assert (
        command("ablate", TEXTS[0], "--model", checkpoint, "--each", "neuron", "--layer", "1", "--all")[1].count(
            "layer 1 neuron"
        )
        == 64
    )


def test_a_file_of_sentences_is_averaged(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("\n\n".join([*TEXTS, "cats"]) + "\n")
    given = ("ablate", "--input", file, "--model", checkpoint, "--batch-size", "2", "--each", "layer")
    told = found(command(*given, "--json")[1])
    alone = [
        found(command("ablate", text, "--model", checkpoint, "--each", "layer", "--json")[1])["answers"][0]
        for text in (*TEXTS, "cats")
    ]
    assert sorted(told["input"]["lines"]) == [1, 3, 5] and told["answers"] == []
    for at, mean in enumerate(told["means"]):
        effects = [answer["effects"][at]["effect"] for answer in alone]
        assert mean["effect"] == pytest.approx(sum(effects) / 3, abs=1e-6) and mean["sentences"] == 3
        assert mean["low"] < mean["effect"] < mean["high"]
    code, out, err = command(*given)
    assert code == 0 and "Means over 3 sentences" in out and re.search(r"layer 1 .* to .* of 3$", out, re.MULTILINE)
    assert err.count("error") == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "leans", "watched"),
    [
        ([], "its answer", "the logit of the answer minus the largest of the others"),
        (["--target", "1"], "LABEL_1", "the logit of LABEL_1 minus the largest of the others"),
        (["--target", "1", "--against", "0"], "LABEL_1", "the logit of LABEL_1 minus that of LABEL_0"),
    ],
)
def test_means_say_of_which_number_they_are(
    command: Command, checkpoint: Path, tmp_path: Path, given: list[str], leans: str, watched: str
) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("\n".join(TEXTS))
    asked = ("ablate", "--input", file, "--model", checkpoint, "--each", "layer", *given)
    out = command(*asked)[1]
    assert f"Below 0 the model leans less to {leans} with the edit" in out
    assert f"Means over 2 sentences of {watched};" in " ".join(out.split())
    told = found(command(*asked, "--json")[1])["watched"]
    assert told["what"] == "class" and told.get("target") == ("LABEL_1" if given else None)


def test_a_sentence_of_a_file_is_named_by_its_line(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "sentences.txt"
    file.write_text("a [MASK] here, and so on\n\n\nnone\n")
    given = ("--model", "bert-tiny", "--weights", "random", "--task", "fill-mask", "--each", "layer")
    code, out, err = command("ablate", "--input", file, *given)
    assert (code, out) == (2, "") and "error: line 4 has no mask for the model to fill" in err


def test_a_layer_that_is_not_there_is_refused_before_the_model_is_loaded(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.txt").write_text("cats")
    for given in ([TEXTS[0]], ["--input", str(tmp_path / "s.txt")]):
        code, out, err = command("ablate", *given, "--model", checkpoint, "--layer", "2")
        assert (code, out) == (2, "") and "there is no layer 2" in err and "loading" not in err


def test_random_weights_flip_nothing_that_looks_like_an_answer(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("ablate", TEXTS[0], "--model", "bert-tiny", "--weights", "random", "--each", "layer")
    assert code == 0 and "meaningless" in out and "class " in out
    assert "LABEL_" not in out and "The answer stays" not in out


def test_the_python_function_gives_the_same_record(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    told = found(command("ablate", *TEXTS, "--model", checkpoint, "--json", "--how", "mean", "--target", "1")[1])
    mine = ablate(model, tokenizer, TEXTS, how="mean", target=1)
    assert json.loads(mine.json())["answers"] == told["answers"]
    mine.save(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_bytes() == mine.json()
    shown = mine._repr_mimebundle_()
    assert "the 10 largest" not in shown["text/plain"] and "layer 1 head 3" in shown["text/plain"]
    assert "<" in shown["text/html"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--target", "great"], "'great' is not a label of this model"),
        (["--each", "neuron"], "name one layer"),
        (["--layer", "2"], "there is no layer 2"),
        (["--how", "half"], "'half' does not say how to ablate"),
        (["--how", "means"], "did you mean --how mean?"),
        (["--each", "token", "--how", "mean"], "it is replaced by [MASK]"),
        (["--each", "word", "--layer", "1"], "a word lies in no layer"),
        (["--weights", "none"], "without weights"),
        (["--how", "resample:" + "cats " * 80], "the sentence to resample from"),
        (["-o", "effects.pdf"], "effects.pdf"),
        (["--input", "nowhere.txt"], "--input reads its sentences from the file"),
        (["--each", "layer", "--importance"], "that of heads"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("ablate", TEXTS[0], "--model", checkpoint, *given)
    assert (code, out) == (2, "") and said in err and "Traceback" not in err and "`" not in err
    assert not list(tmp_path.iterdir())
