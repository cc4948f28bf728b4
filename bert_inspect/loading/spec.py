"""What to load and how: plain data that needs no torch, knows no terminal and can be sent to another process."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..errors import UsageError
from .configuration.labels import MOST_LABELS

DEFAULT_MODEL = "bert-sentiment"
"""The built-in whose weights are trained."""
DEFAULT_SEED = 123

Task = Literal[
    "auto",
    "text-classification",
    "token-classification",
    "question-answering",
    "fill-mask",
    "feature-extraction",
    "multiple-choice",
    "next-sentence-prediction",
    "pre-training",
]
"""What a model is for, by the names of transformers' pipelines where there is one."""
Weights = Literal["auto", "pretrained", "random", "none"]
Attention = Literal["eager", "sdpa"]
Dtype = Literal["float32", "float64", "bfloat16", "float16"]

_SHORT = {"fp64": "float64", "double": "float64", "fp32": "float32", "float": "float32"}
_SHORT |= {"bf16": "bfloat16", "fp16": "float16", "half": "float16"}


def dtype_named(word: str) -> Any:
    """Return torch's name of a precision that may be given by its short one: ``float16`` for ``fp16``. A word that
    names none is returned as it is.
    """
    name = word.lower().removeprefix("torch.")
    name = _SHORT.get(name, name)
    return name if name in get_args(Dtype) else word


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A model to load.

    Args:
        name: a folder, a built-in name, or a name in the local Hugging Face cache.
        task: the head that the model is read with; ``"auto"`` is the one that the checkpoint was saved with. One that
            it does not hold is drawn at random only where it is asked for by name.
        download: whether a checkpoint that is not on this machine may be fetched from the hub.
        weights: ``"auto"`` takes pretrained weights if they are on this machine and else, for a built-in name, random
            ones; ``"none"`` builds shapes only, on the meta device.
        num_labels: the classes of a newly initialized classifier; by default as many as the configuration says.
        seed: the seed of newly initialized weights.
        attention: the implementation of attention. Only ``"eager"`` computes scores and probabilities that can be seen.
        device: where the model runs.
        dtype: the precision; by default the checkpoint's own.
        allow_missing: whether weights besides the head's may be missing; they are newly initialized.

    Raises:
        UsageError: there is no such task, choice of weights, attention or dtype, or there are too many labels.
    """

    name: str
    task: Task = "auto"
    download: bool = False
    weights: Weights = "auto"
    num_labels: int | None = None
    seed: int = DEFAULT_SEED
    attention: Attention = "eager"
    device: str = "cpu"
    dtype: Dtype | None = None
    allow_missing: bool = False

    def __post_init__(self) -> None:
        """Hold the choices against those that there are."""
        _check("task", self.task, get_args(Task))
        _check("weights", self.weights, get_args(Weights))
        _check("attention", self.attention, get_args(Attention))
        if self.dtype is not None:
            _check("dtype", self.dtype, get_args(Dtype))
        if self.num_labels is not None and self.num_labels > MOST_LABELS:
            raise UsageError(f"{self.num_labels:,} labels are too many", f"there may be up to {MOST_LABELS:,}")


def _check(what: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{what} cannot be {value!r}", f"it is one of {', '.join(choices)}")
