"""From checked safetensors files to a model with those weights, and what is to be said about them."""

from collections.abc import Collection, Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, load_file

from ...errors import ModelError
from ...families.heads import NO_HEAD
from ...traces.vocabulary import roles
from ..checkpoint import Checkpoint
from ..classes import class_of
from ..notices import Notice, counted, short, some, with_article
from ..tokenizer import quiet, reason
from .fit import NO_CONFIGURATION, Misfit, told
from .names import adapter_tensors
from .safetensors_files import FLOATS, Tensor, WeightFile

_PIECE = 4 * 1024 * 1024


def load_pretrained(
    checkpoint: Checkpoint,
    config: Any,
    *,
    dtype: torch.dtype,
    allow_missing: bool,
    new_head: bool,
    notice: Notice,
) -> tuple[Any, list[str], list[str]]:
    """Load the weights, and return with the model the names of the parameters that the checkpoint does not hold, and of
    the tensors that the model has no place for.

    Only the head may be missing, unless ``allow_missing``, and that only where it was asked for; only with ``new_head``
    may it have another shape. A pooler that the checkpoint lacks is left out of a model without a head.

    Raises:
        ModelError: the weights cannot be loaded, or do not fit the configuration.
    """
    in_body = checkpoint.family.in_body
    model, found = _filled(checkpoint, config, dtype)
    mismatched = {str(name): tuple(shape) for name, shape, *_ in found["mismatched_keys"]}
    wrong = sorted(name for name in mismatched if in_body(name) or not new_head)
    absent = sum(map(in_body, map(str, found["missing_keys"])))
    if wrong and absent <= len(wrong):  # else they are another model's, and no shape is to blame
        raise _wrong_shapes(checkpoint, model, wrong, mismatched)
    missing = sorted({*found["missing_keys"], *mismatched})
    unexpected = sorted(map(str, found["unexpected_keys"]))
    unused = _unused(checkpoint, unexpected)
    _check_missing(checkpoint, missing, unused, allow_missing=allow_missing)
    _tell_other_head(checkpoint, missing, notice)
    if unused:
        _tell_unused(checkpoint, unused, notice)
    _tell_non_finite(checkpoint, set(unexpected), notice)
    return model, missing, unused


def _check_missing(
    checkpoint: Checkpoint, missing: Sequence[str], unused: Sequence[str], *, allow_missing: bool
) -> None:
    """Refuse a checkpoint that lacks a part of the body, or the head that it should have been saved with."""
    if allow_missing:
        return
    others = f"; it holds {len(unused)} of other names: {some(unused, most=1)}" if unused else ""
    family = checkpoint.family
    new_head = checkpoint.draws_head and any(not family.in_body(name) for name in missing)
    # A pooler serves the head alone: with a new head a new pooler is drawn, as transformers does.
    of_pooler = [name for name in missing if new_head and family.part(name) == roles.POOLER]
    if body := [name for name in missing if family.in_body(name) and name not in of_pooler]:
        raise ModelError(
            f"{checkpoint.name} lacks {counted(len(body), 'tensor')} besides the head's: {some(body)}{others}",
            checkpoint.advice or "draw them at random with `allow_missing=True`, if that is what you want",
        )
    if missing and not checkpoint.draws_head:
        task = checkpoint.head.task
        raise ModelError(
            f"{checkpoint.name} says that it was saved for {task} and lacks the head for it: {some(missing)}{others}",
            f'look at its body with `task="{NO_HEAD.task}"`, or draw the head at random with `task="{task}"`',
        )


def _filled(checkpoint: Checkpoint, config: Any, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    """Return a model with the checkpoint's weights, and what transformers says of those that did not fit."""
    try:
        with quiet():
            tensors: dict[str, torch.Tensor] = {}
            for file in checkpoint.weight_files:
                held = _tensors(file.path)
                tensors.update({tensor.name: held[tensor.stored] for tensor in file.tensors})
            options = {} if _has_pooler(checkpoint, tensors) else {"add_pooling_layer": False}
            # Given no folder, transformers opens no file: no adapter, no index, no configuration of anything else.
            model, found = class_of(checkpoint.family, checkpoint.head).from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                dtype=dtype,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                **options,
            )
    except Exception as error:
        raise ModelError(
            f"the weights of {checkpoint.name} cannot be loaded: {reason(error)}",
            "save the model again with save_pretrained",
        ) from error
    model.name_or_path = model.config.name_or_path = checkpoint.name
    return model, found


def _has_pooler(checkpoint: Checkpoint, tensors: Collection[str]) -> bool:
    """Whether a model has its pooler: one without a head does without if the checkpoint holds none."""
    family = checkpoint.family
    return (
        checkpoint.head is not NO_HEAD
        or not family.pooler_may_be_left_out
        or any(family.in_body(name) and family.part(name) == roles.POOLER for name in tensors)
    )


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        str(path).encode()
        tensors: dict[str, torch.Tensor] = load_file(path)
    except UnicodeEncodeError:  # the library opens no file whose name is not UTF-8
        tensors = load(path.read_bytes())
    return tensors


def _wrong_shapes(
    checkpoint: Checkpoint, model: Any, wrong: Sequence[str], shapes: dict[str, tuple[int, ...]]
) -> ModelError:
    parameters = dict(model.named_parameters())
    misfits = [Misfit(name=name, shape=shapes[name], wanted=tuple(parameters[name].shape)) for name in wrong]
    in_body = checkpoint.family.in_body
    of_head = [shapes[name][0] for name in wrong if not in_body(name) and shapes[name]]
    return ModelError(
        f"{checkpoint.name} holds {counted(len(wrong), 'tensor')} in another shape than its configuration says: "
        f"{told(misfits)}",
        f"its classifier has {of_head[0]} classes: `num_labels={of_head[0]}` takes it as it is, or name them in "
        "id2label of config.json"
        if len(of_head) == len(wrong) and checkpoint.head.takes_labels
        else NO_CONFIGURATION,
    )


def _tell_other_head(checkpoint: Checkpoint, missing: Sequence[str], notice: Notice) -> None:
    """Tell of a head of the same parameters that was trained for something else: for tokens, say, not for sentences."""
    family, classes = checkpoint.family, checkpoint.config.get("architectures") or []
    own = family.prefix + checkpoint.head.suffix
    in_head = [name for name in missing if not family.in_body(name)]
    if classes and own not in classes and not in_head and checkpoint.head is not NO_HEAD:
        what = checkpoint.head.name
        notice(f"{checkpoint.name} was saved from {with_article(classes[0])}: its head was not trained for {what}")


def _tell_unused(checkpoint: Checkpoint, unused: Sequence[str], notice: Notice) -> None:
    layer, layers = checkpoint.family.layer_in_path, checkpoint.layers
    beyond = [name for name in unused if (found := layer(name)) is not None and found >= layers]
    if beyond:
        notice(
            f"{checkpoint.name} holds {counted(len(beyond), 'tensor')} of layers from {layers} on, which are not used: "
            f"num_hidden_layers in config.json is {layers}"
        )
    if adapter := adapter_tensors(unused):
        what = counted(len(adapter), "tensor")
        notice(f"{checkpoint.name} holds {what} of an adapter that is not applied: {some(adapter)}")
    if rest := [name for name in unused if name not in {*beyond, *adapter}]:
        notice(f"{checkpoint.name} holds {counted(len(rest), 'tensor')} that this model has no place for: {some(rest)}")


def _unused(checkpoint: Checkpoint, names: Sequence[str]) -> list[str]:
    """Return the tensors that no part of the model takes though they belong to it: what runs is not what was trained.

    Other heads of the family, and a pooler that a head does without, are left out on purpose.
    """
    family = checkpoint.family

    def on_purpose(name: str) -> bool:
        first = name.removeprefix(f"{family.body}.").partition(".")[0]
        other_head = not family.in_body(name) and "." in name and bool(family.role(first))
        pooler = first in family.body_parts and family.part(first) == roles.POOLER
        return other_head or pooler or name.endswith("position_ids")

    return [name for name in names if not on_purpose(name)]


def _tell_non_finite(checkpoint: Checkpoint, unused: Container[str], notice: Notice) -> None:
    """Tell of weights that are NaN or infinite.

    They are read from the files piece by piece (0.05 s for bert-base). Asking the loaded tensors would be as fast, but
    they are mapped, and a run touches few of the word embeddings: asking for all would take memory for all.
    """
    first, count = "", 0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # to share a piece, threads wait for each other longer than they work
    try:
        for file in checkpoint.weight_files:
            for tensor, bad in _non_finite_tensors(file, unused):
                first, count = first or tensor.name, count + bad
    finally:
        torch.set_num_threads(threads)
    if count:
        what = counted(count, "weight")
        notice(f"{checkpoint.name} holds {what} of NaN or infinity, the first in {short(first)}")


def _non_finite_tensors(file: WeightFile, unused: Container[str]) -> Iterator[tuple[Tensor, int]]:
    """Yield those tensors of a file, of the used ones, that hold NaN or infinities, with how many."""
    buffer = bytearray(_PIECE)
    with file.path.open("rb") as stream:
        for tensor in file.tensors:
            if tensor.dtype not in FLOATS or tensor.name in unused:
                continue
            dtype = getattr(torch, FLOATS[tensor.dtype])
            stream.seek(tensor.begin)
            sizes = (min(_PIECE, tensor.end - place) for place in range(tensor.begin, tensor.end, _PIECE))
            bad = sum(_non_finite(buffer, stream.readinto(memoryview(buffer)[:size]), dtype) for size in sizes)
            if bad:
                yield tensor, bad


def _non_finite(buffer: bytearray, size: int, dtype: torch.dtype) -> int:
    """Return how many of the numbers at the buffer's beginning are NaN or infinite."""
    if size < dtype.itemsize:
        return 0
    numbers = torch.frombuffer(buffer, dtype=dtype, count=size // dtype.itemsize)
    # A sum tells as well, at a tenth of the cost, in a type in which it does not overflow for being large.
    if torch.isfinite(numbers.sum(dtype=torch.promote_types(dtype, torch.float32))):
        return 0
    return int((~torch.isfinite(numbers)).sum())
