"""Train the model; run again after a stop, it goes on from the last checkpoint and ends with the same weights.

``python training/train.py --steps 200`` stops after so many more steps.
"""

import argparse
import math
import random
import time
from pathlib import Path
from typing import Any

import torch
from data import Text, load
from model import SEED, THREADS, encode, logits, tokenizer, untrained
from sources import WORK
from torch.nn.functional import cross_entropy, logsigmoid

SETTINGS = {"epochs": 3, "batch": 32, "rate": 5e-5, "warm up": 0.06, "decay": 0.01, "slope": 1.0}
CHECKPOINT = WORK / "checkpoint.pt"
EVERY = 200


def targets(ratings: list[float], slope: float) -> torch.Tensor:
    """Return the soft targets (texts, labels): positive is to have the probability sigmoid(slope x rating)."""
    scaled = slope * torch.tensor(ratings)
    return torch.stack([logsigmoid(-scaled), logsigmoid(scaled)], dim=1).exp()


def batches(texts: list[Text], epoch: int, size: int) -> list[list[Text]]:
    """Return the batches of an epoch: shuffled anew by its number, with texts of about one length together."""
    dice = random.Random(f"{SEED} {epoch}")
    shuffled = dice.sample(texts, len(texts))
    made = []
    for start in range(0, len(shuffled), 50 * size):
        alike = sorted(shuffled[start : start + 50 * size], key=lambda text: len(text.text))
        made += [alike[first : first + size] for first in range(0, len(alike), size)]
    dice.shuffle(made)
    return made


def share(step: int, steps: int, warm_up: float) -> float:
    """Return the share of the learning rate at a step: up in a straight line, then down to zero in another."""
    first = max(1, round(warm_up * steps))
    return min((step + 1) / first, (steps - step) / max(1, steps - first))


def optimizer(model: torch.nn.Module, settings: dict[str, float]) -> torch.optim.AdamW:
    """Return AdamW over all that is trained; biases and LayerNorms do not decay."""
    trained = [value for value in model.parameters() if value.requires_grad]
    kinds = [
        {"params": [value for value in trained if value.ndim > 1], "weight_decay": settings["decay"]},
        {"params": [value for value in trained if value.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(kinds, lr=settings["rate"])


def accuracy(model: Any, tokens: Any, texts: list[Text]) -> float:
    """Return the share of the clearly rated texts whose side the model sees."""
    clear = [text for text in texts if text.clear]
    sides = logits(model, tokens, [text.text for text in clear]).argmax(dim=1)
    model.train()
    return sum(int(side) == (text.rating > 0) for side, text in zip(sides, clear, strict=True)) / len(clear)


def save(file: Path, held: dict[str, Any]) -> None:
    """Write a checkpoint so that a stop in the middle leaves the one before it."""
    part = file.with_suffix(".part")
    torch.save(held, part)
    part.replace(file)


def train(checkpoint: Path, settings: dict[str, float], more: float = math.inf) -> Any:
    """Train from the checkpoint, where there is one, for so many more steps or to the end; return the model."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    texts = load()
    training = [text for text in texts if text.part == "training"]
    tuning = [text for text in texts if text.part == "tuning"]
    tokens, model = tokenizer(), untrained().train()
    stepper = optimizer(model, settings)
    each = len(batches(training, 0, settings["batch"]))
    steps = settings["epochs"] * each
    step, seconds = 0, 0.0
    if checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True)
        if held["settings"] != settings:
            raise SystemExit(f"{checkpoint} was made with other settings ({held['settings']}): delete it to begin anew")
        model.load_state_dict(held["model"])
        stepper.load_state_dict(held["optimizer"])
        step, seconds = held["step"], held["seconds"]
        print(f"going on after step {step} of {steps}", flush=True)
    last = min(steps, step + more)
    begun, losses = time.perf_counter(), []
    epoch = batches(training, step // each, settings["batch"])
    while step < last:
        batch = epoch[step % each]
        torch.manual_seed(SEED + step)  # so that dropout is the same whether or not there was a stop before
        for group in stepper.param_groups:
            group["lr"] = settings["rate"] * share(step, steps, settings["warm up"])
        aim = targets([text.rating for text in batch], settings["slope"])
        loss = cross_entropy(model(**encode(tokens, [text.text for text in batch])).logits, aim)
        stepper.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        stepper.step()
        step += 1
        losses.append(loss.item())
        if step % EVERY == 0 or step == last or step % each == 0:
            spent = time.perf_counter() - begun
            seconds += spent
            states = {"model": model.state_dict(), "optimizer": stepper.state_dict()}
            save(checkpoint, {"settings": settings, "step": step, "seconds": seconds, **states})
            mean, pace = sum(losses) / len(losses), spent / len(losses)
            print(f"step {step} of {steps}, loss {mean:.4f}, {pace:.2f} s a step", flush=True)
            begun, losses = time.perf_counter(), []
        if step % each == 0:
            right = accuracy(model, tokens, tuning)
            print(f"epoch {step // each} done, {right:.1%} of the tuning texts right", flush=True)
            epoch = batches(training, step // each, settings["batch"])
            begun = time.perf_counter()
    return model


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=math.inf, help="stop after so many more steps")
    options.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="where to keep it (training/made)")
    chosen = options.parse_args()
    train(chosen.checkpoint, SETTINGS, chosen.steps)
