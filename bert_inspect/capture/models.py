"""From a located checkpoint to a model that is ready to run."""

from typing import Literal

import torch
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from ..errors import ModelError, UsageError
from .forward import Loaded
from .locate import Checkpoint
from .tokenizer import quiet, reason

_HEAD = ("classifier.",)


def load(
    checkpoint: Checkpoint,
    *,
    num_labels: int | None = None,
    seed: int = 123,
    attention: Literal["eager", "sdpa"] = "eager",
    device: str = "cpu",
    dtype: str | None = None,
    allow_missing: bool = False,
) -> Loaded:
    """Load the model of a checkpoint.

    What is newly initialised is drawn with ``seed``: a built-in model is what ``transformers.set_seed(seed)`` followed
    by ``BertForSequenceClassification(config)`` makes. Torch's own random state is left as it was.

    Raises:
        ModelError: the checkpoint cannot be loaded.
        UsageError: there is no such device or dtype.
    """
    place = _device(device)
    precision = _dtype(dtype)
    config = _config(checkpoint, num_labels)
    missing: list[str] = []
    weights: Literal["pretrained", "partial", "random", "none"] = checkpoint.weights
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config._attn_implementation = attention
        if checkpoint.weights == "pretrained":
            model, missing = _pretrained(checkpoint, config, attention, precision, allow_missing)
            weights = "partial" if missing else "pretrained"
        else:
            with torch.device("meta" if checkpoint.weights == "none" else "cpu"):
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
    )


def _config(checkpoint: Checkpoint, num_labels: int | None) -> BertConfig:
    settings = dict(checkpoint.config)
    if num_labels is not None:
        # Names of other classes would be wrong names.
        named = settings.get("id2label")
        if not isinstance(named, dict) or len(named) != num_labels:
            settings = {key: value for key, value in settings.items() if key not in ("id2label", "label2id")}
            settings["num_labels"] = num_labels
    try:
        return BertConfig.from_dict(settings)
    except Exception as error:
        raise ModelError(f"the configuration of {checkpoint.name} is damaged: {reason(error)}") from error


def _build(config: BertConfig, name: str) -> BertForSequenceClassification:
    try:
        return BertForSequenceClassification(config)
    except Exception as error:
        raise ModelError(f"no model can be built from the configuration of {name}: {reason(error)}") from error


def _pretrained(
    checkpoint: Checkpoint, config: BertConfig, attention: str, precision: torch.dtype | None, allow_missing: bool
) -> tuple[BertForSequenceClassification, list[str]]:
    """Load the weights, and return with the model the names of the parameters that the checkpoint does not hold."""
    try:
        model, found = BertForSequenceClassification.from_pretrained(
            checkpoint.folder,
            config=config,
            attn_implementation=attention,
            dtype="auto" if precision is None else precision,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:
        raise ModelError(
            f"the weights of {checkpoint.name} cannot be loaded: {reason(error)}",
            "save the model again with save_pretrained",
        ) from error
    mismatched = sorted(str(key[0] if isinstance(key, tuple) else key) for key in found["mismatched_keys"])
    if wrong := [name for name in mismatched if not name.startswith(_HEAD)]:
        raise ModelError(
            f"{len(wrong)} tensors of {checkpoint.name} do not have the shape that its configuration says: {wrong[0]}",
            "its config.json belongs to another model",
        )
    missing = sorted({*found["missing_keys"], *mismatched})
    body = [name for name in missing if not name.startswith(_HEAD)]
    if body and not allow_missing:
        names = ", ".join(body[:3]) + (", ..." if len(body) > 3 else "")
        raise ModelError(
            f"{checkpoint.name} lacks {len(body)} tensors besides the classifier's: {names}",
            "draw them at random with --allow-missing, if that is what you want",
        )
    return model, missing


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
