"""From a located checkpoint to a model that is ready to run."""

import difflib
from typing import Literal

import torch
from transformers.activations import ACT2FN
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from ..errors import ModelError, UsageError
from .budget import check_size
from .config import MOST_LABELS
from .loaded import Loaded
from .locate import Checkpoint
from .notices import Notice, short, warn
from .pretrained import load_pretrained
from .tokenizer import quiet, reason

_AGAIN = "save the model again with save_pretrained"


def load(
    checkpoint: Checkpoint,
    *,
    num_labels: int | None = None,
    seed: int = 123,
    attention: Literal["eager", "sdpa"] = "eager",
    device: str = "cpu",
    dtype: str | None = None,
    allow_missing: bool = False,
    notice: Notice = warn,
) -> Loaded:
    """Load the model of a checkpoint.

    What is newly initialised is drawn with ``seed``: a built-in model is what ``transformers.set_seed(seed)`` followed
    by ``BertForSequenceClassification(config)`` makes. Torch's own random state is left as it was.
    What is worth saying about the weights is told to ``notice``.

    Raises:
        ModelError: the checkpoint cannot be loaded.
        UsageError: there is no such device or dtype.
    """
    place = _device(device)
    precision = _dtype(dtype)
    if num_labels is not None and num_labels > MOST_LABELS:
        raise UsageError(f"{num_labels:,} labels are too many", f"there may be up to {MOST_LABELS:,}")
    check_size(checkpoint, labels=num_labels or checkpoint.labels, dtype=dtype, allow_missing=allow_missing)
    config = _config(checkpoint, num_labels)
    missing: list[str] = []
    unused: list[str] = []
    weights: Literal["pretrained", "partial", "random", "none"] = checkpoint.weights
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config._attn_implementation = attention
        if checkpoint.weights == "pretrained":
            model, missing, unused = load_pretrained(
                checkpoint,
                config,
                dtype=precision or getattr(torch, checkpoint.dtype),
                allow_missing=allow_missing,
                new_head=num_labels is not None,
                notice=notice,
            )
            weights = "partial" if missing else "pretrained"
        else:
            with quiet(), torch.device("meta" if checkpoint.weights == "none" else "cpu"):
                model = _build(config, checkpoint.name)
            if precision is not None:
                model = model.to(precision)
            missing = [name for name, _ in model.named_parameters()] if weights == "random" else []
    if weights != "none":
        model = model.to(place)
    return Loaded(
        model=model.eval(),
        name=checkpoint.name,
        source=checkpoint.source,
        weights=weights,
        initialised=missing,
        seed=seed,
        unused=unused,
    )


def _config(checkpoint: Checkpoint, num_labels: int | None) -> BertConfig:
    settings = dict(checkpoint.config)
    if num_labels not in (None, checkpoint.labels):
        # Names of other classes would be wrong names.
        settings = {key: value for key, value in settings.items() if key not in ("id2label", "label2id")}
        settings["num_labels"] = num_labels
    try:
        config = BertConfig(**settings)
    except Exception as error:
        raise ModelError(f"config.json of {checkpoint.name} is damaged: {reason(error)}", _AGAIN) from error
    if config.hidden_act not in ACT2FN:
        near = difflib.get_close_matches(config.hidden_act, ACT2FN, n=3) or ["gelu", "relu"]
        raise ModelError(
            f"config.json of {checkpoint.name} is damaged: there is no activation {short(repr(config.hidden_act))}",
            f"transformers has {', '.join(near)} and more",
        )
    return config


def _build(config: BertConfig, name: str) -> BertForSequenceClassification:
    try:
        return BertForSequenceClassification(config)
    except Exception as error:
        raise ModelError(f"no model can be built from config.json of {name}: {reason(error)}", _AGAIN) from error


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:
        there = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
        raise UsageError(f"there is no device {name!r} here", "use --device " + " or ".join(there)) from error
    return device


def _dtype(name: str | None) -> torch.dtype | None:
    if name is None:
        return None
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise UsageError(f"{name!r} is no floating point type", "use float32, float64, bfloat16 or float16")
    return dtype
