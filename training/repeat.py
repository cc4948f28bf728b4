"""See whether training gives the same weights again: a short run in one go, once more, and once with a stop between."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from results import write

STEPS = 30
TRAIN = Path(__file__).parent / "train.py"


def run(folder: Path, *stretches: int) -> str:
    """Train in processes of so many steps each; return a sum over every bit of the weights."""
    checkpoint = folder / f"{len(list(folder.iterdir()))}.pt"
    for steps in stretches:
        command = [sys.executable, str(TRAIN), "--checkpoint", str(checkpoint), "--steps", str(steps)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    weights = torch.load(checkpoint, weights_only=True)["model"]
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].numpy().tobytes())
    return found.hexdigest()


def main() -> None:
    """Run, compare and note it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, again, stopped = run(folder, STEPS), run(folder, STEPS), run(folder, STEPS // 3, STEPS - STEPS // 3)
    same = {True: "the same weights, bit for bit", False: "OTHER weights"}
    write(
        repeat=[
            f"- {STEPS} steps, run twice in new processes: {same[whole == again]}.",
            f"- The same with a stop after {STEPS // 3} and a start from the checkpoint: {same[whole == stopped]}.",
        ]
    )


if __name__ == "__main__":
    main()
