"""What tests of broken and hostile checkpoints share: a copy to break, no network, and how a refusal looks."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny_model
from huggingface_hub import constants
from transformers.models.bert.tokenization_bert import BertTokenizer

Command = Callable[..., tuple[int, str, str]]


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "i", "love", "cats", "!", "he", "hates", "pine", "##apple"]
WORDS += ["pizza", ".", "x"]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that save_pretrained wrote, of 16 words, so that it is copied and loaded in no time."""
    folder = tmp_path_factory.mktemp("small") / "tiny"
    tiny_model(vocab_size=len(WORDS)).save_pretrained(folder)
    BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint to be broken."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the libraries believe that they may connect, and fail where one tries."""

    def refuse(*args: Any) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def refused(command: Command) -> Callable[..., str]:
    """Run a command that must fail as a model does that cannot be loaded; returns the line with the error."""

    def run(*arguments: Any) -> str:
        code, out, err = command(*arguments)
        lines = err.splitlines()
        assert (code, out) == (3, ""), err
        assert len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("hint: "), err
        assert len(lines[0]) < 600 and all(line.isprintable() for line in lines)
        return lines[0]

    return run
