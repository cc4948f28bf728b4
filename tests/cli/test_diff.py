"""`diff` from the outside: exit codes, streams, files of tensors, and what is asked for wrongly."""

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from helpers import TEXTS

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run_once(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Trace into a file of its own, each set of options once."""
    from bert_inspect.__main__ import run

    folder = tmp_path_factory.mktemp("traces")
    made: dict[tuple[str, ...], Path] = {}

    def trace(*options: str) -> Path:
        if options not in made:
            file = folder / f"{len(made)}.json"
            stored = ["--tensors", str(file.with_suffix(".safetensors"))] if "--tensors" in options else []
            plain = [option for option in options if option != "--tensors"]
            arguments = ["run", *TEXTS, "--model", str(checkpoint), "-o", str(file), "--quiet", *plain, *stored]
            with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
                assert run(arguments) == 0
            made[options] = file
        return made[options]

    return trace


def test_the_same_is_0_and_another_is_1(command: Command, run_once: Callable[..., Path]) -> None:
    a, fused = run_once("--stats"), run_once("--stats", "--attention", "sdpa")
    other = run_once("--stats", "--weights", "random", "--seed", "5")
    capture = command("diff", a, a)
    assert capture[0] == 0 and capture[2] == "" and "agree in all their statistics" in capture[1]
    code, out, err = command("diff", a, fused)
    assert code == 0 and err == "" and out.startswith("the same: all ") and "only in A" in out and "sdpa" in out
    code, out, err = command("diff", a, other)
    assert code == 1 and err == "" and out.startswith("first divergence: embeddings, word embeddings, ")
    assert "self.word_embeddings(input_ids)" in out and "weights" in out


def test_scripts_get_the_verdict_as_json(command: Command, run_once: Callable[..., Path], tmp_path: Path) -> None:
    a, b = run_once("--stats"), run_once("--stats", "--attention", "sdpa")
    code, out, _ = command("diff", a, b, "--json", "-o", tmp_path / "diff.json")
    found = json.loads(out, parse_constant=lambda bare: pytest.fail(bare))
    assert code == 0 and found["same"] is True and found["first"] is None and found["a"] == str(a)
    assert json.loads((tmp_path / "diff.json").read_bytes()) == found
    # What older releases lack: torch's result laid out anew.
    assert {step["label"] for step in found["only_b"]} <= {"fused attention"}


@pytest.mark.slow
def test_tensors_beside_the_traces_are_found(command: Command, run_once: Callable[..., Path], tmp_path: Path) -> None:
    for dtype in ("float32", "bfloat16"):
        a = run_once("--tensors", "--dtype", dtype)
        b = run_once("--tensors", "--dtype", dtype, "--attention", "sdpa")
        code, out, _ = command("diff", a, b, "--json")
        found = json.loads(out)
        assert code == 0 and {step["by"] for step in found["steps"]} == {"values"}
        assert {step["status"] for step in found["steps"]} == {"identical", "noise"}
    code, out, _ = command("diff", run_once("--tensors", "--dtype", "float32"), a, "--json")
    assert code == 0 and [each["what"] for each in json.loads(out)["settings"]] == ["model.dtype"]
    alone = tmp_path / "moved.json"
    alone.write_bytes(b.read_bytes())
    code, out, err = command("diff", a, alone, "--verbose")
    assert code == 0 and "no numbers" in out and f"tensors of {a}" in err and "moved" not in err
    stored = b.with_suffix(".safetensors")
    code, out, _ = command("diff", a, alone, "--tensors-b", stored, "--json")
    assert code == 0 and {step["by"] for step in json.loads(out)["steps"]} == {"values"}


def test_every_step_has_its_line(command: Command, run_once: Callable[..., Path]) -> None:
    a, b = run_once("--stats"), run_once("--stats", "--attention", "sdpa")
    code, out, _ = command("diff", a, b, "--all")
    assert code == 0 and out.count("residual sum") == 4 and "context | fused attention" in out
    code, one, _ = command("diff", a, b, "--all", "--layer", "1")
    assert code == 0 and one.count("residual sum") == 2 and "embeddings" not in one
    code, some, _ = command("diff", a, b, "--all", "--module", "**.LayerNorm")
    assert code == 0 and "layer norm" in some and "projection" not in some.splitlines()[-3]


def test_a_tolerance_overrides_the_floor(command: Command, run_once: Callable[..., Path]) -> None:
    a, b = run_once("--stats"), run_once("--stats", "--attention", "sdpa")
    code, out, _ = command("diff", a, b, "--atol", "0", "--rtol", "0")
    assert code == 1 and out.startswith("first divergence: layer 0, context")
    code, out, _ = command("diff", a, run_once("--stats", "--weights", "random", "--seed", "5"), "--atol", "100")
    assert code == 0 and "within the tolerance" in out


@pytest.mark.slow
def test_the_cause_is_named_with_the_model_at_hand(
    command: Command, run_once: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in checkpoint.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "hidden_act": "gelu_new"}))
    code, _, err = command("run", *TEXTS, "--model", other, "--values", "-o", tmp_path / "b.json")
    assert code == 0, err
    a = run_once("--values")
    code, out, _ = command("diff", a, tmp_path / "b.json", "--explain", "--model", checkpoint)
    assert code == 1 and out.startswith("first divergence: layer 0, gelu activation, ")
    assert "explained by: hidden_act gelu against gelu_new (gap falls from " in out
    code, out, _ = command("diff", run_once("--stats"), tmp_path / "b.json", "--explain", "--model", checkpoint)
    assert code == 1 and "the cause was not searched for: that needs the values of both runs" in out
    code, out, _ = command("diff", a, a, "--explain", "--model", checkpoint, "--json")
    assert code == 0 and json.loads(out)["cause"] is None
    # A folder's name alone does not tell where it lies.
    code, out, err = command("diff", a, tmp_path / "b.json", "--explain")
    assert (code, out) == (3, "") and "there is no model" in err and "--model" in err
    code, out, err = command("diff", a, tmp_path / "b.json", "--model", checkpoint)
    assert (code, out) == (2, "") and "--model goes with --explain" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{trace}", "/no/trace.json"], 4, "there is no file /no/trace.json"),
        (["{broken}", "{trace}"], 4, "is damaged"),
        (["{trace}", "{trace}", "--tensors-a", "/no/t.safetensors"], 4, "there is no file /no/t.safetensors"),
        (["{trace}", "{trace}", "--tensors-b", "{broken}"], 4, "is not a file of tensors"),
        (["{trace}"], 2, "'B'"),
        (["{trace}", "{trace}", "--layer", "9"], 2, "there is no layer 9"),
        (["{trace}", "{trace}", "--module", "bert.poler"], 2, "did you mean bert.pooler"),
        (["{trace}", "{trace}", "--atol", "inf"], 2, "atol is inf"),
        (["{trace}", "{trace}", "--rtol", "-1"], 2, "--rtol"),
        (["{trace}", "{trace}", "-o", "/no/such/folder/d.json"], 2, "there is no folder"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(
    command: Command,
    run_once: Callable[..., Path],
    tmp_path: Path,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "broken.json").write_text('{"format": "bert-inspect-trace", "version": 1, "steps": 3}')
    places = {"trace": run_once("--stats"), "broken": tmp_path / "broken.json"}
    found, out, err = command("diff", *(argument.format(**places) for argument in arguments))
    assert (found, out) == (code, "") and message in err
    assert len(re.findall(r"^error: ", err, re.MULTILINE)) == 1 and "Traceback" not in err
