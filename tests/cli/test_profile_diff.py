"""`profile diff` from the outside: its exit codes, its filters, and that it needs no torch."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import fresh
from profiles.made import Made

from bert_inspect.profiles.profile_file import profile_json

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("profiles")

    def save(made: Made, name: str) -> Path:
        path = folder / f"{name}.json"
        path.write_bytes(profile_json(made.profile()))
        return path

    return save


def test_the_same_is_0_another_1_and_what_is_not_comparable_2(command: Command, saved: Callable[..., Path]) -> None:
    moved = Made()
    moved.hidden[2] *= 3
    a, b, other = saved(Made(), "a"), saved(moved, "b"), saved(Made(layers=2), "other")
    assert command("profile", "diff", a, a) == (0, "the same: every number of the two profiles\n", "")
    code, out, err = command("profile", "diff", a, b)
    assert code == 1 and err == "" and out.startswith("what moved most: layer 1, output, layer norm, ")
    code, out, err = command("profile", "diff", a, other)
    assert code == 2 and out == "" and "not comparable" in err
    assert command("profile", "diff", a, a.parent / "nowhere.json")[0] == 4


def test_filters_show_these_steps_alone(command: Command, saved: Callable[..., Path]) -> None:
    moved = Made()
    moved.hidden[2] *= 3
    a, b = saved(Made(), "one"), saved(moved, "two")
    code, out, _ = command("profile", "diff", a, b, "--layer", "2")
    rows = [line.split("  ")[0] for line in out.splitlines() if "%" in line and line.startswith("layer")]
    assert code == 1 and rows == ["layer 2, gelu activation", "layer 2, output, layer norm"] and "heads" not in out
    assert command("profile", "diff", a, b, "--layer", "3")[0] == 2


@pytest.mark.slow
def test_it_needs_no_torch(saved: Callable[..., Path]) -> None:
    a = saved(Made(), "a")
    code = (
        "import sys; from bert_inspect.__main__ import run; "
        f"code = run(['profile', 'diff', {str(a)!r}, {str(a)!r}]); "
        "print(code, {'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    )
    assert fresh(code).splitlines()[-1] == "0 set()"
