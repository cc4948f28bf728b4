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


def offered(monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """What bash offers for the last word of a line; what was imported for it needs no torch."""
    words = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    monkeypatch.setenv("_BERT_INSPECT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", shlex.join(words).removesuffix("''"))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code = "import atexit, sys; from bert_inspect.__main__ import run; "
    code += "atexit.register(lambda: print(sorted(sys.modules))); run([])"
    *found, loaded = fresh(code).splitlines()
    assert not {"torch", "transformers", "tokenizers", "numpy"} & set(ast.literal_eval(loaded))
    return [name for name in found if name]


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
    found = offered(monkeypatch, "bert-inspect run x --model ")
    assert found == [*NAMES, "many/", "mine"]
    assert offered(monkeypatch, "bert-inspect run x --model m") == ["many/", "mine"]
    assert offered(monkeypatch, "bert-inspect run x --model many/") == ["many/below/"]
    assert offered(monkeypatch, "bert-inspect model bert-t") == ["bert-tiny"]


def test_modules_are_those_of_the_model_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkpoint: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(checkpoint, tmp_path / "mine")

    def last_layer(line: str) -> int:
        found = offered(monkeypatch, line)
        assert "bert.encoder.layer.0.attention.self" in found
        return max(int(path.split(".")[3]) for path in found if path.count(".") >= 3)

    assert last_layer("bert-inspect run x --module bert.encoder") == 5  # bert-sentiment
    assert last_layer("bert-inspect run x --model bert-tiny --module bert.encoder") == 1
    assert last_layer("bert-inspect source --model bert-base-cased bert.encoder") == 11
    assert last_layer("bert-inspect report --model mine --module bert.encoder") == 1
    monkeypatch.setenv("BERT_INSPECT_MODEL", "bert-mini")
    assert last_layer("bert-inspect run x --module bert.encoder") == 3
    assert "attention.self" in offered(monkeypatch, "bert-inspect source att")
    assert offered(monkeypatch, "bert-inspect diagram x --module tok") == ["tokenizer"]


def test_questions_and_settings_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(monkeypatch, "bert-inspect doctor --only ") == list(QUESTIONS)
    assert offered(monkeypatch, "bert-inspect doctor --skip padding,p") == ["padding,precision"]
    assert offered(monkeypatch, "bert-inspect compare --a att") == ["attention=eager", "attention=sdpa"]
    assert offered(monkeypatch, "bert-inspect cell lo") == ["logits", "loss"]
    assert {"probabilities", "attention.self"} <= set(offered(monkeypatch, "bert-inspect cell "))
    assert offered(monkeypatch, "bert-inspect schema c") == ["cell"]
    assert offered(monkeypatch, "bert-inspect ablate x --how r") == ["resample:"]
    assert "head" in offered(monkeypatch, "bert-inspect ablate x --each ")
    assert offered(monkeypatch, "bert-inspect patch x y --direction n") == ["noising"]
    assert "layer-token" in offered(monkeypatch, "bert-inspect patch x y --each ")
    assert {"text=", "seed=", "model=", "dtype=bfloat16"} <= set(offered(monkeypatch, "bert-inspect compare --b "))
    assert offered(monkeypatch, "bert-inspect compare --b model=bert-t") == ["model=bert-tiny"]
    assert offered(monkeypatch, "bert-inspect run x --dtype b") == ["bfloat16"]
