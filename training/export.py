"""Make the folder of the built-in model from the finished checkpoint: calibrated, and stored in float16."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from data import Text, counts, load
from model import SEED, THREADS, logits, tokenizer, untrained, write_plain_files
from results import FOLDER, write
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy
from train import CHECKPOINT, SETTINGS


def temperature(found: torch.Tensor, texts: list[Text]) -> float:
    """Return the number by which to divide the logits (texts, labels) so that their probabilities can be believed.

    It is the one with the least cross-entropy against the sides of the clearly rated texts among these (Guo et al.,
    "On Calibration of Modern Neural Networks", 2017), to a hundredth.
    """
    clear = [number for number, text in enumerate(texts) if text.clear]
    sides = torch.tensor([int(texts[number].rating > 0) for number in clear])
    tried = [hundredths / 100 for hundredths in range(10, 501)]
    return min(tried, key=lambda one: cross_entropy(found[clear] / one, sides).item())


def trained(checkpoint: Path) -> tuple[Any, float]:
    """Return the model of a finished checkpoint and the seconds that its training took."""
    held = torch.load(checkpoint, weights_only=True)
    model = untrained()
    model.load_state_dict(held["model"])
    return model.eval(), held["seconds"]


def export(checkpoint: Path, folder: Path) -> dict[str, Any]:
    """Write the folder and return how it was made."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    texts = load()
    tuning = [text for text in texts if text.part == "tuning"]
    held_out = [text.text for text in texts if text.part == "held out"]
    tokens = tokenizer()
    model, seconds = trained(checkpoint)
    divisor = temperature(logits(model, tokens, [text.text for text in tuning]), tuning)
    with torch.no_grad():
        model.classifier.weight /= divisor
        model.classifier.bias /= divisor
    before = logits(model, tokens, held_out).softmax(dim=1)
    stored = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    write_plain_files(folder)
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    model.load_state_dict({name: value.float() for name, value in stored.items()})
    after = logits(model, tokens, held_out).softmax(dim=1)
    return {
        "settings": {**SETTINGS, "seed": SEED, "threads": THREADS},
        "seconds an epoch": round(seconds / SETTINGS["epochs"]),
        "texts": counts(texts),
        "temperature": divisor,
        "float16": {
            "largest change of a held-out probability": round((after - before).abs().max().item(), 5),
            "held-out sides changed": int((after.argmax(dim=1) != before.argmax(dim=1)).sum()),
        },
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers", "safetensors")},
        "bytes": (folder / "model.safetensors").stat().st_size,
        "sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }


if __name__ == "__main__":
    made = export(CHECKPOINT, FOLDER)
    write(made=made)
    print(f"{FOLDER.name}: temperature {made['temperature']}, {made['float16']}, sha256 {made['sha256']}")
