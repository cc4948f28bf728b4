"""What a shell offers while a command is typed is what the command takes, and nothing slow is loaded for it."""

import ast
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers import fresh, tiny_model

from bert_inspect.analysis.doctor.diagnosis import QUESTIONS
from bert_inspect.families.bert import BERT
from bert_inspect.loading.builtin import NAMES

ASKED = """
import os, sys
from contextlib import suppress
from bert_inspect.__main__ import run

for settings in {asked}:
    os.environ.update(settings)
    with suppress(SystemExit):
        run([])
    print("asked")
print(sorted(sys.modules))
"""


def offered(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[list[str]]:
    """What bash offers for the last word of each line, asked in one new process; what it imports needs no torch."""
    asked = []
    for line in lines:
        words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
        asked.append({"COMP_WORDS": shlex.join(words).removesuffix("''"), "COMP_CWORD": str(len(words) - 1)})
    monkeypatch.setenv("_BERT_INSPECT_COMPLETE", "complete_bash")
    *told, loaded = fresh(ASKED.format(asked=asked)).splitlines()
    assert not {"torch", "transformers", "tokenizers", "numpy"} & set(ast.literal_eval(loaded))
    *answers, rest = "\n".join(told).split("asked")
    assert len(answers) == len(lines) and not rest.strip()
    return [[name for name in answer.split("\n") if name] for answer in answers]


def test_paths_are_those_of_the_real_model() -> None:
    for layers in (1, 2):
        model: Any = tiny_model(num_hidden_layers=layers)
        assert BERT.paths(layers) == [path for path, _ in model.named_modules()]


def test_models_are_the_built_in_ones_and_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint, tmp_path / "mine")
    (tmp_path / "many" / "below").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "file").write_text("")
    wanted = {
        "bert-inspect run x --model ": [*NAMES, "many/", "mine"],
        "bert-inspect run x --model m": ["many/", "mine"],
        "bert-inspect run x --model many/": ["many/below/"],
        "bert-inspect model bert-t": ["bert-tiny"],
    }
    assert dict(zip(wanted, offered(monkeypatch, *wanted), strict=True)) == wanted


@pytest.mark.slow
def test_modules_are_those_of_the_model_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint, tmp_path / "mine")

    def last_layers(*lines: str) -> list[int]:
        found = offered(monkeypatch, *lines)
        assert all("bert.encoder.layer.0.attention.self" in each for each in found)
        return [max(int(path.split(".")[3]) for path in each if path.count(".") >= 3) for each in found]

    assert last_layers(
        "bert-inspect run x --module bert.encoder",  # bert-sentiment
        "bert-inspect run x --model bert-tiny --module bert.encoder",
        "bert-inspect source --model bert-base-cased bert.encoder",
        "bert-inspect report --model mine --module bert.encoder",
    ) == [5, 1, 11, 1]
    monkeypatch.setenv("BERT_INSPECT_MODEL", "bert-mini")
    assert last_layers("bert-inspect run x --module bert.encoder") == [3]
    found, tokenizer = offered(monkeypatch, "bert-inspect source att", "bert-inspect diagram x --module tok")
    assert "attention.self" in found and tokenizer == ["tokenizer"]


def test_questions_and_settings_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    all_ = {
        "bert-inspect doctor --only ": list(QUESTIONS),
        "bert-inspect doctor --skip padding,p": ["padding,precision"],
        "bert-inspect compare --a att": ["attention=eager", "attention=sdpa"],
        "bert-inspect cell lo": ["logits", "loss"],
        "bert-inspect schema c": ["cell"],
        "bert-inspect ablate x --how r": ["resample:"],
        "bert-inspect patch x y --direction n": ["noising"],
        "bert-inspect compare --b model=bert-t": ["model=bert-tiny"],
        "bert-inspect run x --dtype b": ["bfloat16"],
    }
    among = {
        "bert-inspect cell ": {"probabilities", "attention.self"},
        "bert-inspect ablate x --each ": {"head"},
        "bert-inspect patch x y --each ": {"layer-token"},
        "bert-inspect compare --b ": {"text=", "seed=", "model=", "dtype=bfloat16"},
    }
    found = dict(zip([*all_, *among], offered(monkeypatch, *all_, *among), strict=True))
    assert {line: found[line] for line in all_} == all_
    for line, some in among.items():
        assert some <= set(found[line]), line
