"""`model` from the outside."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

Command = Callable[..., tuple[int, str, str]]


def test_every_module_is_listed_with_where_it_is_implemented(command: Command, checkpoint: Path, model: Any) -> None:
    import transformers.models.bert.modeling_bert as modeling

    code, out, _ = command("model", checkpoint, "--json")
    listed = json.loads(out)
    assert code == 0 and [part["path"] for part in listed["components"]] == [path for path, _ in model.named_modules()]
    lines = Path(modeling.__file__).read_text().splitlines()
    for part in listed["components"]:
        module = model.get_submodule(part["path"])
        assert part["type"] == type(module).__name__ and part["arguments"] == module.extra_repr()
        assert part["parameters"] == sum(tensor.numel() for tensor in module.parameters())
        if part["file"].endswith("modeling_bert.py"):
            assert lines[part["line"] - 1].startswith(f"class {part['type']}(")


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_component_is_one_line(
    command: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, _ = command("model", checkpoint)
    assert code == 0 and "0 to 1 (2 times)" in out and "modeling_bert.py:" in out
    assert len(out.splitlines()) == 2 + 33 and max(map(cell_len, out.splitlines())) <= width
    code, out, _ = command("model", checkpoint, "--depth", "2")
    assert code == 0 and len(out.splitlines()) == 2 + 4
