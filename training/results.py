"""Where the figures are kept, and how they get from there into the tables of the card."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE.parent / "bert_inspect" / "data" / "bert-sentiment"
CARD = HERE / "README.md"
RESULTS = HERE / "results.json"


def read() -> dict[str, Any]:
    """Return the figures that there are."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def write(**sections: Any) -> None:
    """Put sections into ``results.json``, in place of those of their names."""
    held = {**read(), **sections}
    RESULTS.write_text(json.dumps(held, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]


def put(name: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of that name in the card."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, rest = CARD.read_text(encoding="utf-8").split(begin)
    _, tail = rest.split(end)
    CARD.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + tail, encoding="utf-8")
