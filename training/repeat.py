"""See whether training gives the same weights again: a short run in one go, once more, and once with a stop between.

``python training/repeat.py --whole`` runs the whole training once more instead, which takes as long as the first time.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from results import read, write
from train import CHECKPOINT

STEPS = 30
TRAIN = Path(__file__).parent / "train.py"


def digest(checkpoint: Path) -> str:
    """Return a sum over every bit of the weights in a checkpoint."""
    weights = torch.load(checkpoint, weights_only=True)["model"]
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].numpy().tobytes())
    return found.hexdigest()


def run(checkpoint: Path, *stretches: list[str]) -> str:
    """Train, in one process for each list of options; return the sum of the weights that come out."""
    for options in stretches:
        command = [sys.executable, str(TRAIN), "--checkpoint", str(checkpoint), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return digest(checkpoint)


def told(same: bool) -> str:
    """Say whether two sums are the same."""
    return "the same weights, bit for bit" if same else "OTHER weights"


def main() -> None:
    """Run, compare and note it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--whole", action="store_true", help="run the whole training once more")
    whole = options.parse_args().whole
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if whole:
            same = run(folder / "whole.pt", []) == digest(CHECKPOINT)
            line = f"- The whole training, run once more from its beginning: {told(same)}."
            write(whole={"sha256": read()["made"]["sha256"], "line": line})
            return
        first = run(folder / "first.pt", ["--steps", str(STEPS)])
        again = run(folder / "again.pt", ["--steps", str(STEPS)])
        early = STEPS // 3
        stopped = run(folder / "stopped.pt", ["--steps", str(early)], ["--steps", str(STEPS - early)])
    write(
        repeat=[
            f"- {STEPS} steps, run twice in new processes: {told(first == again)}.",
            f"- The same with a stop after {early} and a start from the checkpoint: {told(first == stopped)}.",
        ]
    )


if __name__ == "__main__":
    main()
