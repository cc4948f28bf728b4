"""After each kind of failure there are as many open files, threads, hooks and temporary files as there were before."""

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, tiny_model

from bert_inspect import Trace
from bert_inspect.__main__ import run as run_command
from bert_inspect.api import trace

Command = Callable[..., tuple[int, str, str]]


def open_files() -> list[str]:
    """What this process has open, by name, but for the directory that is being listed."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(descriptor.readlink()))
    return sorted(name for name in found if not name.startswith("/proc/"))


@contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """Hold what there is after the block against what there was before."""

    def count() -> tuple[list[str], list[str], set[Path]]:
        threads = sorted(thread.name for thread in threading.enumerate())
        parts = {file for place in (folder, Path(tempfile.gettempdir())) for file in place.glob(".*")}
        return open_files(), threads, {file for file in parts if file.name.endswith((".part", ".tmp"))}

    before = count()
    yield
    assert count() == before


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


def halfway(error: BaseException) -> Callable[[Trace], Iterator[bytes]]:
    def half(self: Trace) -> Iterator[bytes]:
        yield b"half"
        raise error

    return half


OUTPUT = "transformers.models.bert.modeling_bert.BertSelfOutput.forward"
FAILURES: dict[str, tuple[list[str], int, tuple[str, Any] | None]] = {
    "a model that is not there": (["run", "x", "--model", "nowhere"], 3, None),
    "a damaged configuration": (["run", "x", "--model", "{broken}"], 3, None),
    "weights that are none": (["run", "x", "--model", "{torn}"], 3, None),
    "a sentence too long": (["run", "x " * 600, "--model", "{model}"], 2, None),
    "a trace that is none": (["show", "{model}/config.json"], 4, None),
    "a folder that is not there": (["run", "x", "-o", "{folder}/none/t.json", "--model", "{model}"], 2, None),
    "values refused": (
        ["run", "x", "--values", "--json", "--model", "{model}"],
        2,
        ("bert_inspect.traces.values.VALUES_LIMIT", 100),
    ),
    "a forward that crashes": (
        ["run", "x", "-o", "{folder}/t.json", "--model", "{small}", "--weights", "random"],
        1,
        None,
    ),
    "a forward interrupted": (["run", "x", "--model", "{model}"], 130, (OUTPUT, raising(KeyboardInterrupt()))),
    "an edited forward interrupted": (
        ["run", "x", "--ablate", "layer.0", "--model", "{model}"],
        130,
        (OUTPUT, raising(KeyboardInterrupt())),
    ),
    "no memory": (["run", "x", "--model", "{model}"], 1, (OUTPUT, raising(MemoryError()))),
    "a fault of ours": (
        ["run", "x", "--model", "{model}"],
        1,
        ("bert_inspect.capture.forward.assemble", raising(ZeroDivisionError())),
    ),
    "a save interrupted": (
        ["run", "x", "-o", "{folder}/t.json", "--model", "{model}"],
        130,
        ("bert_inspect.traces.trace_file.trace_json", halfway(KeyboardInterrupt())),
    ),
    "a save refused": (
        ["run", "x", "-o", "{folder}/t.json", "--model", "{model}"],
        2,
        ("bert_inspect.traces.trace_file.trace_json", halfway(OSError(28, "No space left on device"))),
    ),
    "tensors interrupted": (
        ["run", "x", "--tensors", "{folder}/t.st", "--model", "{model}"],
        130,
        ("bert_inspect.capture.tensor_file.save_file", raising(KeyboardInterrupt())),
    ),
    "lines interrupted": (
        ["run", "--input", "{lines}", "-o", "{folder}/t.jsonl", "--model", "{model}"],
        130,
        ("bert_inspect.capture.batches.trace_batch", raising(KeyboardInterrupt())),
    ),
    "a waiting that is interrupted": (
        ["model", "{model}"],
        130,
        ("bert_inspect.capture.components.components", raising(KeyboardInterrupt())),
    ),
}


@pytest.fixture
def places(checkpoint: Path, tmp_path: Path) -> dict[str, Path]:
    """Folders and files that the failures are made of."""
    found = {"model": checkpoint, "folder": tmp_path / "folder", "lines": tmp_path / "s.txt"}
    found["folder"].mkdir()
    found["lines"].write_text("\n".join(TEXTS))
    for name in ("broken", "torn", "small"):
        shutil.copytree(checkpoint, tmp_path / name)
        found[name] = tmp_path / name
    (found["broken"] / "config.json").write_text("{")
    (found["torn"] / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    config = json.loads((checkpoint / "config.json").read_text())
    (found["small"] / "config.json").write_text(json.dumps({**config, "vocab_size": 110}))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAILURES)
def test_a_failure_leaves_nothing_behind(
    command: Command, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    arguments, expected, change = FAILURES[kind]
    arguments = [argument.format(**places) for argument in arguments]
    with monkeypatch.context() as patch:
        if change is not None:
            patch.setattr(*change)
        command(*arguments)  # once before: what is imported and looked up for the first time stays open
        for file in places["folder"].iterdir():
            file.unlink()
        with nothing_left(places["folder"]):
            code, out, err = command(*arguments)
    assert code == expected and "Traceback" not in err and (out == "" or code == 1)
    whole = [file.name for file in places["folder"].iterdir() if file.stat().st_size]
    assert whole == (["t.json"] if kind == "a forward that crashes" else [])


def test_a_reader_that_leaves_leaves_nothing_open(
    places: dict[str, Path], traced: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced.save(places["folder"] / "t.json")
    for _ in range(2):
        with nothing_left(places["folder"]):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "w") as stdout, monkeypatch.context() as patch:
                patch.setattr("sys.stdout", stdout)
                assert run_command(["show", str(places["folder"] / "t.json"), "--json"]) == 0


ERRORS: list[BaseException] = [KeyboardInterrupt(), MemoryError(), RuntimeError("x"), SystemExit(3), GeneratorExit()]


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("place", ["bert.embeddings", "bert.encoder.layer.1.output.dense", "classifier"])
def test_a_model_is_as_it_was_whatever_its_forward_raises(tokenizer: Any, error: BaseException, place: str) -> None:
    model = tiny_model()
    model.train()
    model.get_submodule(place).register_forward_hook(raising(error))
    model.register_forward_pre_hook(lambda module, args: None)

    def state() -> list[object]:
        names = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_with_kwargs", "_backward_hooks")
        hooks: list[object] = [[dict(getattr(m, name)) for name in names] for m in model.modules()]
        flags = [(module.training, sorted(module.__dict__)) for module in model.modules()]
        switches = [torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()]
        modes = torch.overrides._get_current_function_mode_stack()
        return [hooks, flags, switches, modes, model.config.to_dict(), torch.random.get_rng_state().tolist()]

    before = state()
    with suppress(KeyboardInterrupt, SystemExit, GeneratorExit):
        result = trace(model, tokenizer, TEXTS, stats=True, labels=[0, 1])
        assert result.failure is not None and result.output is None
    assert state() == before
