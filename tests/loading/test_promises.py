"""What SECURITY.md promises, seen from the interpreter: which files are opened, by whom, and that nothing is run."""

import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import change, fresh

Command = Callable[..., tuple[int, str, str]]
Event = tuple[str, str, list[str]]
NEVER = {"pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect"}
WATCHED = {"open", "import", *NEVER}

_listening: list[list[Event]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening and event in WATCHED:
        files, frame = [], sys._getframe(1)
        while frame is not None:
            files.append(frame.f_code.co_filename)
            frame = frame.f_back  # type: ignore[assignment]
        _listening[-1].append((event, str(arguments[0]) if arguments else "", files))


sys.addaudithook(_hear)  # it cannot be taken away again, so it mostly does nothing


@contextmanager
def heard() -> Iterator[list[Event]]:
    """Collect what the interpreter does that may be of interest to an auditor (PEP 578)."""
    _listening.append([])
    try:
        yield _listening[-1]
    finally:
        _listening.pop()


def test_only_checked_files_are_opened_and_nothing_is_run(copy: Path, command: Command, checkpoint: Path) -> None:
    own = {"AutoConfig": "own.Config", "AutoTokenizer": ["own.Tokenizer", None], "AutoModel": "own.Model"}
    change(copy / "config.json", auto_map=own, trust_remote_code=True, transformers_weights="other.safetensors")
    change(copy / "tokenizer_config.json", auto_map=own, tokenizer_file="other.json", gguf_file="x.gguf")
    change(copy / "adapter_config.json", base_model_name_or_path="someone/else", peft_type="LORA", auto_mapping=own)
    change(copy / "model.safetensors.index.json", weight_map={"a": "../outside.safetensors"})
    for name in ("generation_config.json", "processor_config.json", "chat_template.jinja", "x.gguf", "other.json"):
        (copy / name).write_text("{{ damaged }}")
    for name in ("pytorch_model.bin", "adapter_model.bin", "training_args.bin", "optimizer.pt"):
        (copy / name).write_bytes(pickle.dumps(Path))
    for name in ("own.py", "__init__.py", "conftest.py", "sitecustomize.py"):
        (copy / name).write_text("raise SystemExit('this was run')")
    shutil.copy(checkpoint / "model.safetensors", copy / "other.safetensors")
    before = command("run", "x", "--model", copy)  # whatever is imported late is imported now
    with heard() as events:
        assert command("run", "x", "--model", copy) == before
    assert before[0] == 0, before[2]
    opened = [(Path(path).name, files) for event, path, files in events if event == "open" and str(copy) in path]
    assert {name for name, _ in opened} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert not any("/transformers/" in file or "/tokenizers/" in file for _, files in opened for file in files)
    assert not any(what.startswith("own") for event, what, _ in events if event == "import")
    assert not {event for event, _, _ in events} & NEVER


def test_what_can_be_refused_without_torch_is(copy: Path) -> None:
    with (copy / "model.safetensors").open("ab") as stream:
        stream.write(b"more than the header says")
    code = f"import sys; from bert_inspect.__main__ import run; print(run(['run', 'x', '--model', {str(copy)!r}]))"
    lines = fresh(code + "; print({'torch', 'transformers', 'tokenizers'} & set(sys.modules))").splitlines()
    assert lines == ["3", "set()"]
