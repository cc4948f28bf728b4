"""What most tests share: a tiny BERT drawn at random, its tokenizer, and traces of the tutorial's two sentences."""
# ruff: noqa: E402 - what is set before the imports holds for them too

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # no test needs the network, and none may wait for it
os.environ.pop("COLUMNS", None)

import gc

# Imports and the collection of tests make no garbage, and to look for it takes time.
gc.set_threshold(5_000, 10, 10)

import copy
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from helpers import PAIRS, TEXTS, located, tiny_model
from tampering import TAMPERINGS
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect import Trace
from bert_inspect.__main__ import run as run_command
from bert_inspect.api import trace
from bert_inspect.loading.tokenizer import load_tokenizer

torch.set_num_threads(1)  # tiny models: more threads only wait for each other, on a busy machine for long
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)  # no test is timed, none is drawn anew
hypothesis.settings.load_profile("suite")

LONGEST = (
    "cli/test_on_ray.py",
    "test_damaged_traces.py",
    "loading/test_families.py",
    "families/test_models.py",
    "browser/test_report.py",
    "test_readme.py",
    "tui/test_explorer.py",
    "cli/test_profile.py",
)
"""The files that take longest: they are begun first, so that no process waits at the end for another's long file."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the golden pictures anew; look at the diff")


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return load_tokenizer(located("bert-base-cased", weights="none"))


@pytest.fixture(scope="session")
def model() -> BertForSequenceClassification:
    return tiny_model()


@pytest.fixture
def batch(tokenizer: Any) -> dict[str, torch.Tensor]:
    return dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))


@pytest.fixture(scope="session")
def traced(model: BertForSequenceClassification, tokenizer: Any) -> Trace:
    return trace(model, tokenizer, TEXTS, labels=[1, 0], stats=True, values=True)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, model: BertForSequenceClassification, tokenizer: Any) -> Path:
    """A folder that save_pretrained wrote."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def trained() -> BertForSequenceClassification:
    """A tiny model whose biases and norms are not those that everybody starts with."""
    model = tiny_model(initializer_range=0.2)
    generator = torch.Generator().manual_seed(5)
    for name, parameter in model.named_parameters():
        if name.endswith(("bias", "LayerNorm.weight")):
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.fixture(scope="session")
def right(trained: Any, tokenizer: Any) -> Trace:
    """The trained model's trace of two pairs."""
    return trace(trained, tokenizer, TEXTS, pairs=PAIRS, values=True, stats=True)


@pytest.fixture(scope="session")
def tampered(trained: Any, tokenizer: Any) -> Callable[[str], tuple[Any, Trace]]:
    """A way in which the trained model was broken: the broken model, and its trace of the same pairs."""

    @cache
    def tamper(name: str) -> tuple[Any, Trace]:
        broken = copy.deepcopy(trained)
        TAMPERINGS[name].apply(broken)
        return broken, trace(broken, tokenizer, TEXTS, pairs=PAIRS, values=True, stats=True)

    return tamper


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; returns its exit code, stdout and stderr."""

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        with tempfile.TemporaryFile("w+") as stdin_stream:
            stdin_stream.buffer.write(stdin)
            stdin_stream.seek(0)
            monkeypatch.setattr("sys.stdin", stdin_stream)
            code = run_command([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run
