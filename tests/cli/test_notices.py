"""What is taken otherwise than it was perhaps meant is told, and short words for a setting are understood."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TEXTS, change

from bert_inspect import Trace, load, trace

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run", "tokens", "doctor", "attention"])
def test_words_without_quotes_are_told(command: Command, checkpoint: Path, name: str) -> None:
    more = ["--only", "tokenizer"] if name == "doctor" else []
    err = command(name, "I", "love", "cats", "--model", checkpoint, *more)[2]
    assert 'each of these 3 words is a sentence of its own: for one sentence write it in quotes, "I love cats"' in err
    for texts in (["cats"], ["I love", "cats"], TEXTS):
        assert "of its own" not in command(name, *texts, "--model", checkpoint, *more)[2]


def test_a_files_name_is_told(
    command: Command, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my texts.txt").write_text("I love cats!\n")
    code, _, err = command("run", "my texts.txt", "--model", checkpoint)
    assert code == 0 and "my texts.txt is taken as a sentence" in err
    assert "- < 'my texts.txt'" in err and "bert-inspect run --input 'my texts.txt'" in err
    assert "taken as" not in command("run", "my text", "--model", checkpoint)[2]
    assert command("run", "my texts.txt", "--model", checkpoint, "--quiet")[2] == ""


def test_what_the_vocabulary_does_not_hold_is_told(command: Command, checkpoint: Path) -> None:
    code, out, err = command("run", "I love cats!", "a 🐈 and a 𓃠!", "[UNK]", "--model", checkpoint, "--json")
    told = [line for line in err.splitlines() if "vocabulary" in line]
    assert code == 0 and told == ["sentence 2: not in the vocabulary, so the model sees [UNK]: 🐈, 𓃠"]
    assert Trace.from_json(out.encode()).input.tokens[1].count("[UNK]") == 2
    assert "sentence 1: not in" in command("run", "So?", "--pair", "🐈 !", "--model", checkpoint)[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("short", "name"),
    [
        *(("fp64", "float64"), ("bf16", "bfloat16"), ("BF16", "bfloat16"), ("fp16", "float16"), ("half", "float16")),
        *(("fp32", "float32"), ("torch.float32", "float32"), ("float64", "float64")),
    ],
)
def test_short_names_of_precisions_are_taken(command: Command, checkpoint: Path, short: str, name: str) -> None:
    code, out, _ = command("run", TEXTS[0], "--model", checkpoint, "--dtype", short, "--depth", "1", "--json")
    assert code == 0 and Trace.from_json(out.encode()).model.dtype == name


def test_short_names_are_taken_for_a_side(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("compare", TEXTS[0], "--model", checkpoint, "--b", "dtype=bf16")
    assert code in (0, 1) and "bfloat16" in out


def test_labels_are_taken_by_name(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "named"
    folder.mkdir()
    for file in checkpoint.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    change(folder / "config.json", id2label={"0": "negative", "1": "Positive"}, label2id={"negative": 0, "Positive": 1})
    expected = command("run", *TEXTS, "--model", folder, "--labels", "1,0", "--json")
    model, tokenizer = load(str(folder))
    assert trace(model, tokenizer, TEXTS, labels=[1, 0]).output == Trace.from_json(expected[1].encode()).output
    for written in ("Positive,negative", "positive, NEGATIVE", "1,negative"):
        assert command("run", *TEXTS, "--model", folder, "--labels", written, "--json") == expected
    code, out, err = command("run", *TEXTS, "--model", folder, "--labels", "positive,neutral")
    assert (code, out) == (2, "") and "'neutral' is not a label of this model" in err
    assert "hint: its labels are negative, Positive; or write the index of the class" in err
    drawn = ["--weights", "random", "--num-labels", "3"]
    code, out, _ = command("run", TEXTS[0], "--model", folder, *drawn, "--labels", "label_2", "--json")
    assert code == 0 and Trace.from_json(out.encode()).input.labels == [2]


def test_labels_that_differ_only_in_case_are_told_apart(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "alike"
    folder.mkdir()
    for file in checkpoint.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    change(folder / "config.json", id2label={"0": "yes", "1": "YES"}, label2id={"yes": 0, "YES": 1})
    out = command("run", TEXTS[0], "--model", folder, "--labels", "YES", "--json")[1]
    assert Trace.from_json(out.encode()).input.labels == [1]
    assert "'Yes' is the label of several classes" in command("run", "x", "--model", folder, "--labels", "Yes")[2]


def test_a_sentence_in_the_place_of_the_module_is_told(command: Command) -> None:
    code, out, err = command("source", "I love cats!")
    assert (code, out) == (2, "")
    assert 'hint: bert-inspect source attention.self "I love cats!"' in err


def test_the_layers_there_are_are_told_as_run_tells_them(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    asked = ["--layer", "7", "--model", checkpoint]
    expected = command("run", TEXTS[0], *asked)
    assert expected[0] == 2 and command("attention", TEXTS[0], *asked) == expected
    file = tmp_path / "t.json"
    assert command("run", TEXTS[0], "--model", checkpoint, "--values", "-o", file)[0] == 0
    assert command("attention", "--trace", file, "--layer", "7") == expected


def test_doctor_tells_the_same_figures_twice(command: Command, checkpoint: Path) -> None:
    asked = ["doctor", "--model", checkpoint, "--only", "determinism,segments", "--json"]
    first = command(*asked)
    assert "dropout changes the logits by up to" in first[1] and command(*asked) == first


def test_the_variable_names_another_default(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERT_INSPECT_MODEL", str(checkpoint))
    assert Trace.from_json(command("run", TEXTS[0], "--json")[1].encode()).model.name == checkpoint.name
    assert command("model", "--json")[1] == command("model", checkpoint, "--json")[1]
    out = command("run", TEXTS[0], "--model", "bert-tiny", "--weights", "none", "--json")[1]
    assert Trace.from_json(out.encode()).model.name == "bert-tiny"  # what is named wins


def test_a_choice_of_one_is_told(command: Command, checkpoint: Path) -> None:
    read = ("run", "The cat sat on", "--model", checkpoint, "--task", "multiple-choice", "--choice", "the mat.")
    assert "there is only one choice" in command(*read)[2]
    assert "only one choice" not in command(*read, "--choice", "the moon.")[2]


def test_the_tasks_are_named(command: Command) -> None:
    code, _, err = command("run", TEXTS[0], "--task", "summarization")
    assert code == 2 and err.startswith("error: invalid value for '--task': 'summarization' is not one of 'auto'")
    told = "".join(command("run", "--help")[1].split())
    assert "multiple-choice,next-sentence-prediction,pre-training;auto" in told
