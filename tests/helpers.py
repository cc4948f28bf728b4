"""What tests build and look up: the tutorial's sentences, a tiny BERT drawn at random, steps and their values."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from msgspec import structs
from rich.console import Console
from transformers import set_seed
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect import Trace
from bert_inspect.loading.checkpoint import Checkpoint
from bert_inspect.loading.loaded import Loaded
from bert_inspect.loading.locate import locate
from bert_inspect.loading.model import load
from bert_inspect.loading.spec import ModelSpec
from bert_inspect.traces.record import Step

TEXTS = ["I love cats!", "He hates pineapple pizza."]
"""The tutorial's sentences."""
PAIRS = ["So do I.", "No."]
"""A second sentence to each."""


def tiny_config(**changes: Any) -> BertConfig:
    settings: dict[str, Any] = {
        "vocab_size": 28996,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
    }
    return BertConfig(**{**settings, **changes})


def tiny_model(*, attention: str = "eager", **changes: Any) -> BertForSequenceClassification:
    set_seed(7)
    config = tiny_config(**changes)
    config._attn_implementation = attention
    return BertForSequenceClassification(config).eval()


def located(name: str, **settings: Any) -> Checkpoint:
    """Where the model of that name lies."""
    return locate(ModelSpec(name=name, **settings))


def loaded(name: str, **settings: Any) -> Loaded:
    """The model of that name."""
    spec = ModelSpec(name=name, **settings)
    return load(locate(spec), spec)


ACTIVATION = "bert.encoder.layer.1.intermediate.intermediate_act_fn"


class Works(torch.nn.Module):
    """An activation made of one function."""

    def __init__(self, work: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.work = work

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.work(hidden_states)


class WorksOn(torch.nn.Module):
    """An activation made of one function, which is given the module too."""

    def __init__(self, work: Callable[[Any, torch.Tensor], torch.Tensor], **held: Any) -> None:
        super().__init__()
        self.work = work
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return self.work(self, hidden_states)


def with_activation(module: torch.nn.Module) -> BertForSequenceClassification:
    """A tiny model with a module of another's in place of an activation."""
    model = tiny_model()
    model.bert.encoder.layer[1].intermediate.intermediate_act_fn = module
    return model


def values_of(step: Step, place: int = 0) -> torch.Tensor:
    output = step.outputs[place]
    assert output.values is not None
    return torch.tensor(list(output.values.flat), dtype=getattr(torch, output.dtype)).reshape(output.values.shape)


def find(traced: Trace, **wanted: Any) -> Step:
    found = [step for step in traced.steps if all(getattr(step, key) == value for key, value in wanted.items())]
    assert found, wanted
    return found[0]


def change(file: Path, **changes: Any) -> None:
    """Change keys of the JSON object in a file, which need not be there."""
    held = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**held, **changes}))


def fresh(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def without_values(whole: Trace) -> Trace:
    """The trace as it would be without --values."""
    steps = [
        structs.replace(step, outputs=[structs.replace(output, values=None) for output in step.outputs])
        for step in whole.steps
    ]
    return structs.replace(whole, steps=steps)


def shown(product: Any, width: int, *, encoding: str = "utf-8", color: bool = False) -> str:
    """What a terminal of this width shows of a renderable."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=width, force_terminal=color, color_system="standard" if color else None)
    console.print(product)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
