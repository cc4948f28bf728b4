"""Write the documents that are made by real runs; ``make docs`` runs this.

Only shapes are computed, so that they are the same on every machine.
"""

import sys
from pathlib import Path

from bert_inspect.__main__ import run

HERE = Path(__file__).parent
NAME = "inner-workings.md"
TEXTS = ["I love cats!", "He hates pineapple pizza."]
MODEL = "bert-base-cased"
"""The tutorial's own."""

COMMENT = "<!-- Made by `make docs`: edit the stations, not this file. -->"
TOLD = """`bert-inspect walk "I love cats!"` walks through a sentence with the numbers of a trained model. With
`-o walk.html` it writes a page, with `-o walk.ipynb` a notebook to run.
"""


def make(folder: Path) -> None:
    """Write the walk through the tutorial's two sentences, and its pictures, into a folder."""
    options = ["--labels", "1,0", "--model", MODEL, "--weights", "none", "--quiet"]
    code = run(["walk", *TEXTS, *options, "-o", str(folder / NAME)])
    assert code == 0
    text = (folder / NAME).read_text(encoding="utf-8")
    before, contents, after = text.partition("\n1. [")
    (folder / NAME).write_text(f"{COMMENT}\n\n{before}\n{TOLD}{contents}{after}", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
