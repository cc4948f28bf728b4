"""`run` from the outside: streams, exit codes, filters, exports, and every wrong input that comes to mind."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS
from jsonschema import Draft202012Validator
from safetensors import safe_open
from safetensors.torch import load_file

from bert_inspect import Trace
from bert_inspect.traces.trace_file import schema

Command = Callable[..., tuple[int, str, str]]


def test_the_whole_pass_is_shown(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("run", *TEXTS, "--labels", "1,0", "--model", checkpoint)
    assert code == 0
    for what in ("tiny", "pretrained", "attention probabilities", "layer 0", "layer 1", "LABEL_", "loss", "[PAD]"):
        assert what in out
    assert "\x1b" not in out


def test_verbose_tells_more_and_quiet_nothing(command: Command, checkpoint: Path) -> None:
    code, out, err = command("run", "", "--model", checkpoint, "--verbose")
    assert code == 0 and str(checkpoint) in err and "steps recorded" in err and "sentence 1 is blank" in err
    quiet = command("run", "", "--model", checkpoint, "--quiet")
    assert quiet == (0, out, "")


def test_sentences_come_from_stdin_one_a_line(command: Command, checkpoint: Path) -> None:
    stdin = "\ufeffI love cats!\r\n\r\nHe hates pineapple pizza.\n".encode()
    for arguments in ([], ["-"]):
        code, out, _ = command("run", *arguments, "--model", checkpoint, "--json", stdin=stdin)
        assert code == 0 and json.loads(out)["input"]["texts"] == TEXTS


def test_json_takes_the_place_of_the_tree_and_fits_the_schema(command: Command, checkpoint: Path) -> None:
    code, out, err = command(
        "run", *TEXTS, "--labels", "1,0", "--stats", "--values", "--time", "--json", "--model", checkpoint
    )
    assert code == 0 and "error" not in err
    exported = json.loads(out, parse_constant=lambda name: pytest.fail(f"bare {name}"))
    Draft202012Validator(schema()).validate(exported)
    assert exported["format"] == "bert-inspect-trace" and exported["version"] == 1
    assert set(exported["steps"][3]) >= {"id", "parent", "kind", "path", "call", "type", "arguments", "layer", "label"}
    assert all(step["seconds"] >= 0 for step in exported["steps"])
    assert str(checkpoint.parent) not in out


def test_two_runs_give_the_same_bytes(command: Command, checkpoint: Path) -> None:
    first = command("run", *TEXTS, "--stats", "--json", "--model", checkpoint)
    assert first == command("run", *TEXTS, "--stats", "--json", "--model", checkpoint)
    assert "seconds" not in first[1]


def test_the_output_file_holds_the_trace_beside_the_tree(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    code, tree, err = command("run", *TEXTS, "--model", checkpoint, "-o", file)
    assert code == 0 and "attention scores" in tree and str(file) in err
    assert list(tmp_path.iterdir()) == [file]
    assert Trace.load(file).input.texts == TEXTS
    code, shown, _ = command("show", file)
    assert code == 0 and shown == tree
    code, out, _ = command("run", *TEXTS, "--model", checkpoint, "-o", "-")
    assert out.encode() == file.read_bytes()


VIEWS = [
    ["--stats"],
    ["--values"],
    ["--fold", "--stats"],
    ["--depth", "4"],
    ["--level", "module"],
    ["--layer", "1", "--values"],
    ["--module", "**.attention.self", "--stats"],
    ["--axes"],
    ["--values", "--head", "3", "--token", "hates"],
    ["--layer", "0", "--values", "--token", "1"],
]


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_show_reproduces_what_run_showed(command: Command, checkpoint: Path, tmp_path: Path, view: list[str]) -> None:
    file = tmp_path / "trace.json"
    model = ["--model", checkpoint]
    code, _, _ = command("run", *TEXTS, *model, "--labels", "1,0", "--stats", "--values", "-o", file)
    assert code == 0
    code, fresh, _ = command("run", *TEXTS, *model, "--labels", "1,0", *view)
    assert code == 0
    code, again, _ = command("show", file, *view)
    assert code == 0 and again == fresh


def test_one_layer_is_filtered_at_capture(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("run", *TEXTS, "--model", checkpoint, "--layer", "1", "--stats", "--json")
    trace = Trace.from_json(out.encode())
    assert code == 0 and {step.layer for step in trace.steps} == {None, 1}
    assert trace.selection == {"layer": "1"}
    for step in trace.steps:
        assert (step.layer == 1) == any(output.stats is not None for output in step.outputs)
        assert step.layer == 1 or (step.kind == "module" and "bert.encoder.layer.1".startswith(step.path))
    assert trace.output is not None


def test_patterns_select_paths(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("run", *TEXTS, "--model", checkpoint, "--module", "bert.pooler.**", "--stats", "--json")
    trace = Trace.from_json(out.encode())
    with_stats = {step.path for step in trace.steps if step.outputs and step.outputs[0].stats is not None}
    assert code == 0 and with_stats == {"bert.pooler", "bert.pooler.dense", "bert.pooler.activation"}
    dense = next(step for step in trace.steps if step.path == "bert.pooler.dense")
    assert trace.steps[dense.inputs[0].from_ or 0].label == "first token [CLS]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "root"),
    [
        ("**.layer.*.attention.self", r"bert\.encoder\.layer\.\d+\.attention\.self"),
        ("attention.self", r"bert\.encoder\.layer\.\d+\.attention\.self"),
        ("BertSelfAttention", r"bert\.encoder\.layer\.\d+\.attention\.self"),
        ("layer.1", r"bert\.encoder\.layer\.1"),
        ("bert.pooler", r"bert\.pooler"),
    ],
)
def test_a_module_is_selected_with_everything_below_in_every_command(
    command: Command, checkpoint: Path, tmp_path: Path, asked: str, root: str
) -> None:
    whole = tmp_path / "whole.json"
    assert command("run", *TEXTS, "--model", checkpoint, "--stats", "-o", whole)[0] == 0
    expected = {step.path for step in Trace.load(whole).steps if re.match(rf"{root}(\.|$)", step.path)}
    captured = command("run", *TEXTS, "--model", checkpoint, "--stats", "--module", asked, "--json")[1]
    steps = Trace.from_json(captured.encode()).steps
    assert {step.path for step in steps if any(output.stats for output in step.outputs)} == expected
    again = Trace.from_json(command("show", whole, "--module", asked, "--json")[1].encode())
    assert [(step.path, step.outputs) for step in again.steps] == [(step.path, step.outputs) for step in steps]
    # The README's example: the query projection stands before what is made of it.
    if "elf" in asked:
        assert captured.index('"query projection"') < captured.index('"query split into heads"')
    out = command("diff", whole, whole, "--module", asked, "--all")[1]
    labels = [step.label for step in Trace.load(whole).steps if step.path in expected and step.kind == "op"]
    assert all(label in out for label in labels)
    compared = command(
        "compare", TEXTS[0], "--model", checkpoint, "--b", "attention=sdpa", "--module", asked, "--json"
    )[1]
    found = json.loads(compared)
    both = {step["path"] for step in found["steps"]} | {step["path"] for step in found["only_a"]}
    assert expected <= both and all(path in expected or any(p.startswith(path) for p in expected) for path in both)


def test_modules_alone_keep_true_origins(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("run", TEXTS[0], "--model", checkpoint, "--level", "module", "--json")
    trace = Trace.from_json(out.encode())
    assert code == 0 and {step.kind for step in trace.steps} == {"module"}
    dense = next(step for step in trace.steps if step.path.endswith("layer.0.attention.output.dense"))
    assert trace.steps[dense.inputs[0].from_ or 0].path == "bert.encoder.layer.0.attention.self"


def test_tensors_join_the_json(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "tensors.safetensors"
    code, out, _ = command(
        "run", *TEXTS, "--model", checkpoint, "--layer", "0", "--values", "--json", "--tensors", file
    )
    trace, tensors = Trace.from_json(out.encode()), load_file(file)
    keys = {output.tensor for step in trace.steps for output in step.outputs if output.tensor}
    assert code == 0 and keys == set(tensors) and len(keys) > 30
    for step in trace.steps:
        for output in step.outputs:
            if output.tensor:
                assert list(tensors[output.tensor].shape) == output.shape and output.values is not None
                assert tensors[output.tensor].flatten().tolist() == list(output.values.flat)
    with safe_open(file, "pt") as opened:
        assert opened.metadata() == {"format": "pt"}


def test_values_of_bfloat16_are_stored_exactly(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "t.safetensors"
    code, _, err = command("run", TEXTS[0], "--model", checkpoint, "--dtype", "bfloat16", "--tensors", file)
    assert code == 0, err
    assert all(tensor.dtype in (torch.bfloat16, torch.int64) for tensor in load_file(file).values())


def test_masked_scores_are_shown_as_masked(command: Command, checkpoint: Path) -> None:
    arguments = ["run", *TEXTS, "--model", checkpoint, "--module", "**.layer.0.attention.self", "--values", "--stats"]
    code, out, _ = command(*arguments)
    assert code == 0 and "masked" in out and "e+38" not in out
    assert "[CLS]" in out and "hates" in out


def test_without_weights_there_are_shapes(command: Command) -> None:
    code, out, _ = command("run", *TEXTS, "--model", "bert-large-cased", "--weights", "none", "--fold")
    assert code == 0 and "[2, 16, 9, 9]" in out.replace(
        "batch 2 × heads 16 × query tokens 9 × key tokens 9", "[2, 16, 9, 9]"
    )
    assert "layers 0 to 23" in out and "333,581,314" in out and "only shapes" in out


def test_pairs_have_two_segments(command: Command, checkpoint: Path) -> None:
    code, out, _ = command("run", *TEXTS, "--pair", "Me too.", "--model", checkpoint, "--json")
    batch = Trace.from_json(out.encode()).input
    assert code == 0 and batch.pairs == ["Me too.", "Me too."]
    assert batch.token_type_ids[0].count(1) == 4  # Me too . [SEP]
    code, _, err = command("run", *TEXTS, "--pair", "a", "--pair", "b", "--pair", "c", "--model", checkpoint)
    assert code == 2 and "2 sentences but 3 second sentences" in err


def test_truncation_is_told(command: Command, checkpoint: Path) -> None:
    long = " ".join(["cats"] * 600)
    code, out, err = command("run", long, "--model", checkpoint)
    assert (code, out) == (2, "") and "602 tokens, the limit is 64" in err and "--truncate" in err
    code, out, err = command("run", "I love cats and dogs!", "--max-length", "5", "--truncate", "--model", checkpoint)
    assert code == 0 and "3 tokens cut from its end to keep to 5: and dogs!" in err and "3 tokens cut" in out
    code, out, _ = command("run", long, "short", "--truncate", "--json", "--model", checkpoint)
    batch = Trace.from_json(out.encode()).input
    assert batch.truncated == [538, 0] and [len(row) for row in batch.tokens] == [64, 64]


def test_a_failed_forward_is_shown_and_told(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in checkpoint.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "vocab_size": 12000}))
    code, out, err = command("run", *TEXTS, "--model", broken, "--weights", "random", "-o", tmp_path / "t.json")
    assert code == 1 and "token 2 of sentence 2 has id 18457, the embedding has 12000 rows" in err
    assert "word_embeddings" in out and "failed here" in out
    assert Trace.load(tmp_path / "t.json").failure is not None


WRONG = [
    (["run", "x", "--layer", "12"], 2, "there is no layer 12: this model has layers 0 to 5"),
    (["run", "x", "--layer", "a"], 2, "'a' does not name layers"),
    (["run", "x", "--layer", "4-2"], 2, "'4-2' does not name layers"),
    (["run", "x", "--labels", "1,0"], 2, "1 sentence but 2 labels"),
    (["run", "x", "--labels", "a"], 2, "'a' is not a label of this model"),
    (["run", "x", "--labels", ","], 2, "has an empty label"),
    (["run", "x", "--dtype", "fp8"], 2, "dtype cannot be 'fp8'"),
    (["run", "a b", "c", "--labels", "1"], 2, "2 sentences but 1 label\n"),
    (["source", "I love cats!"], 2, "'I love cats!' is not a module: PATH comes first"),
    (["attention", "x", "--layer", "7"], 2, "there is no layer 7: this model has layers 0 to 5"),
    (["run", "x", "--labels", "nan"], 2, "finite"),
    (["run", "x", "--labels", "7"], 2, "label 7 of sentence 1 is not a class"),
    (["run", "x", "--labels", "0.5"], 2, "label 0.5 of sentence 1 is not a class"),
    (["run", "x", "--layr", "3"], 2, "--layr"),
    (["run", "x", "--attention", "flash"], 2, "flash"),
    (["run", "x", "--weights", "none", "--stats"], 2, "without weights there are no numbers"),
    (["run", "x", "-o", "/no/such/folder/t.json"], 2, "there is no folder /no/such/folder"),
    (["run", "x", "--tensors", "/"], 2, "/ is a folder"),
    (["run", "x", "--model", "bert-bas-cased"], 3, "there is no model 'bert-bas-cased'"),
    (["run", "x", "--model", "./nowhere/at/all"], 3, "there is no folder ./nowhere/at/all"),
    (["run", "x", "--model", "/etc/passwd"], 3, "is a file, not a folder"),
    (["run", "x", "--model", "bert-base-cased", "--weights", "pretrained"], 3, "are not on this machine"),
    (["run", "x", "\udcff"], 2, "sentence 2 is not valid UTF-8"),
    (["run"], 2, "there is no sentence on stdin"),
    (["show", "/no/trace.json"], 4, "there is no file /no/trace.json"),
    (["show", "/"], 4, "is not a plain file"),
    (["show"], 2, "TRACE"),
    (["model", "gpt2"], 3, "there is no model 'gpt2'"),
    (["tokens", "x", "--trace", "t.json"], 2, "--trace takes the place"),
    (["paint"], 2, "paint"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "message"), WRONG, ids=[" ".join(row[0]).replace("\udcff", "?") for row in WRONG]
)
def test_every_wrong_input_is_one_clear_error(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found, out, err = command(*arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert len(re.findall(r"^error: ", err, re.MULTILINE)) == 1 and "Traceback" not in err
    assert all(line.startswith(("error: ", "hint: ")) for line in err.splitlines())


def test_no_match_names_the_nearest_paths(command: Command, checkpoint: Path) -> None:
    code, out, err = command("run", "x", "--model", checkpoint, "--module", "bert.poler")
    assert (code, out) == (2, "") and "no module matches 'bert.poler'" in err and "did you mean bert.pooler" in err
    code, _, err = command("run", "x", "--model", checkpoint, "--module", "BertPoolr")
    assert code == 2 and "did you mean BertPooler?" in err
    code, _, err = command("run", "x", "--model", checkpoint, "--module", "**.self.dropout")
    assert code == 2 and "never called" in err


def test_bytes_that_are_not_text_are_refused(command: Command) -> None:
    code, out, err = command("run", stdin=b"fine\n\xff\xfe\n")
    assert (code, out) == (2, "") and "line 2 on stdin is not valid UTF-8" in err


def test_more_than_fifty_million_numbers_are_refused(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bert_inspect.traces.values.VALUES_LIMIT", 10_000)
    code, out, err = command("run", *TEXTS, "--model", checkpoint, "--values", "--json")
    assert (code, out) == (2, "") and "10,000 numbers" in err and "--tensors" in err
    code, out, _ = command("run", *TEXTS, "--model", checkpoint, "--values")
    assert code == 0 and "sentence 1 of 2" in out


def test_an_unexpected_failure_keeps_its_traceback_for_debug(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("bert_inspect.capture.forward.run_forward", explode)
    code, out, err = command("run", "x", "--model", checkpoint)
    assert (code, out) == (1, "") and "error: unexpected failure: ZeroDivisionError: boom" in err and "--debug" in err
    with pytest.raises(ZeroDivisionError):
        command("run", "x", "--model", checkpoint, "--debug")


def test_an_interrupt_is_130(command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bert_inspect.capture.forward.run_forward", interrupt)
    code, out, err = command("run", "x", "--model", checkpoint)
    assert (code, out) == (130, "") and "interrupted" in err


def test_help_lists_the_commands(command: Command) -> None:
    code, out, err = command("--help")
    assert code == 0 and all(name in out for name in ("run", "show", "tokens", "model", "schema")) and err == ""
    code, out, err = command()
    assert (code, out) == (2, "") and "Usage" in err
    code, out, _ = command("--version")
    assert code == 0 and re.fullmatch(r"bert-inspect \d+\.\d+\.\d+\n", out)
