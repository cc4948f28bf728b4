"""Built-in models need nothing of the user's surroundings: no home, no cache, and no variable that makes sense."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "a home that is none": {"HOME": "/dev/null"},
    "no home, and words that mean nothing": {
        "HOME": None,
        "HF_HUB_CACHE": "/dev/null/hub",
        "HF_HUB_DOWNLOAD_TIMEOUT": "abc",
        "HF_HUB_ETAG_TIMEOUT": "",
        "HF_HUB_OFFLINE": "maybe",
        "HF_ENDPOINT": "::::",
        "HF_TOKEN": "bad",
        "HF_MODULES_CACHE": "/dev/null",
        "TORCH_HOME": "/dev/null",
        "TMPDIR": "/nonexistent",
    },
}


def tokens(*more: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Tokenize with a built-in model: the hub's library is imported for it, torch is not."""
    given = {**os.environ, **changes}
    environment = {name: value for name, value in given.items() if value is not None}
    command = [sys.executable, "-m", "bert_inspect", "tokens", "I love cats!", "--model", "bert-tiny", *more]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_a_built_in_model_needs_no_surroundings(kind: str) -> None:
    done = tokens(**ENVIRONMENTS[kind])
    assert done.returncode == 0 and "cats" in done.stdout and done.stderr == "", done.stderr


@pytest.mark.slow
def test_a_run_needs_none_either() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "HF_HUB_OFFLINE")}
    environment |= {"HF_HOME": "/dev/null", "HF_HUB_DOWNLOAD_TIMEOUT": "abc"}
    command = [sys.executable, "-m", "bert_inspect", "run", "I love cats!", "--model", "bert-tiny", "--json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0 and done.stdout and done.stderr == "", done.stderr


def test_where_a_variable_is_needed_it_is_named() -> None:
    done = tokens("--download", HF_HUB_DOWNLOAD_TIMEOUT="abc", HF_HUB_OFFLINE="1")
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: the variable HF_HUB_DOWNLOAD_TIMEOUT is 'abc', not a number of seconds",
        "hint: set it to one, or unset HF_HUB_DOWNLOAD_TIMEOUT",
    ]


@pytest.mark.slow
def test_a_variable_that_the_libraries_refuse_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bert_inspect", "run", "I love cats!", "--model", "bert-tiny", "--quiet"]
    environment = {**os.environ, "TORCH_LOGS": "no-such-log"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "error: torch and transformers cannot be loaded: TORCH_LOGS has a value that they do not take",
        "hint: unset TORCH_LOGS",
    ]
