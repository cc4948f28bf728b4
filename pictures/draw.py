"""Draw the pictures of the README from real runs; ``make pictures`` runs this.

Only shapes are computed, so that the pictures are the same on every machine.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from bert_inspect.__main__ import run

HERE = Path(__file__).parent
TEXTS = ["I love cats!", "He hates pineapple pizza."]
MODEL = "bert-base-cased"
"""The tutorial's own."""

TERMINAL = {
    "source.svg": ["source", "bert.embeddings", *TEXTS, "--model", MODEL, "--weights", "none"],
}
"""Commands of which the picture shows the terminal."""
WIDTH = 104

DIAGRAMS = {
    "model.svg": ["--depth", "2"],
    "attention.svg": ["--module", "attention.self", "--direction", "down"],
}


def draw(folder: Path) -> None:
    """Write all pictures into a folder."""
    for name, arguments in TERMINAL.items():
        (folder / name).write_text(terminal(arguments), encoding="utf-8")
    for name, arguments in DIAGRAMS.items():
        code = run(["diagram", *TEXTS, "--model", MODEL, *arguments, "--quiet", "-o", str(folder / name)])
        assert code == 0, name


def terminal(arguments: list[str]) -> str:
    """Return a picture of a terminal in which a command was given."""
    os.environ["COLUMNS"] = str(WIDTH)
    shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(shown):
        assert run([*arguments, "--quiet", "--color", "always"]) == 0
    shown.seek(0)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard")
    words = [f'"{word}"' if " " in word else word for word in arguments]
    console.print(Text(f"$ bert-inspect {' '.join(words)}\n", style="bold"), soft_wrap=True)
    console.print(Text.from_ansi(shown.read()), soft_wrap=True)
    picture = console.export_svg(title="bert-inspect", theme=MONOKAI, unique_id=arguments[0])
    # Self-contained: the fonts that Rich would fetch are left to the reader's own.
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    picture = re.sub(r"font-family: *Fira Code", "font-family: ui-monospace, Menlo, Consolas", picture)
    return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n\s*\n+", "\n", picture))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
