"""Tries an installed bert-inspect from the outside; it is run in an environment that holds nothing else.

It is not told where the source is, and finds none: what it uses is what the wheel brought along.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import distribution, distributions, requires
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("bert-inspect")


def run(*arguments: str, folder: str) -> str:
    """Run the command and return what it wrote to stdout."""
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def main() -> None:
    """Try what a user does first, and look at what is installed."""
    needed = {
        requirement.split(">")[0].split("<")[0].strip()
        for requirement in requires("bert-inspect") or ()
        if "extra" not in requirement
    }
    main_install = {"torch", "transformers", "safetensors", "msgspec", "numpy", "typer", "rich", "pygments", "jinja2"}
    assert needed == main_install, needed
    there = {found.name.lower() for found in distributions()}
    assert not there & {"pytest", "hypothesis", "jsonschema", "ruff", "mypy", "hatchling"}, there
    files = {str(file) for file in distribution("bert-inspect").files or ()}
    assert {
        "bert_inspect/data/bert-base-cased/vocab.txt",
        "bert_inspect/data/bert-sentiment/model.safetensors",
        "bert_inspect/data/fonts/DejaVuSans.ttf",
        "bert_inspect/py.typed",
        "bert_inspect/render/templates/page.html.j2",
        "bert_inspect/tui/explorer.tcss",
    } <= files
    assert not any(file.startswith(("tests", "benchmarks", "fuzz")) for file in files)
    with tempfile.TemporaryDirectory() as folder:
        assert "run" in run("--help", folder=folder)
        answer = run("run", "I love cats!", "He hates pineapple pizza.", folder=folder)
        assert "attention probabilities" in answer and "positive" in answer and "negative" in answer
        run("run", "I love cats!", "--model", "bert-tiny", "-o", "t.json", "--tensors", "t.safetensors", folder=folder)
        assert "layers 0 to 1" in run("show", "t.json", "--fold", folder=folder)
        assert json.loads(run("tokens", "I love cats!", "--json", folder=folder))["tokens"][0][0] == "[CLS]"
        assert "BertPooler" in run("model", "bert-base-uncased", folder=folder)
    print("the wheel works alone, with " + ", ".join(f"{name} {distribution(name).version}" for name in sorted(needed)))


if __name__ == "__main__":
    main()
