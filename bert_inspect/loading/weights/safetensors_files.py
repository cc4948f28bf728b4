"""The safetensors files of a checkpoint, their headers checked before anything is loaded.

The format: 8 bytes with the header's length (little-endian), the header (a JSON object: each tensor's dtype, shape and
place), the numbers. See github.com/huggingface/safetensors. The rules here are those of the library, or narrower; they
are checked in words that a user can act on, without torch, and before memory is taken.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...families import Family
from ..files import CheckpointFiles, parse
from ..notices import counted, short, some

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# Bounds of the time and memory that headers take; the header of bert-base has 25 KB and 201 tensors.
_HEADER_LIMIT = 4 * 1024 * 1024
_MOST_SHARDS = 100
_MOST_TENSORS = 20_000
_MOST_AXES = 8
FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""The dtypes that the parameters of a BERT may have, and what torch calls them."""
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64, "C64": 64}
_BITS |= {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8}
_BITS |= {"F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4}
_PARAMETERS = (".weight", ".bias", ".gamma", ".beta")


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Where a tensor lies in its file: from byte ``begin`` to ``end``, counted from the file's own start. ``stored`` is
    its name there, ``name`` the one that it has in the model.
    """

    name: str
    stored: str
    dtype: str
    shape: tuple[int, ...]
    count: int
    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A safetensors file with its tensors, in the order in which they lie in it."""

    path: Path
    tensors: tuple[Tensor, ...]


def find_weights(files: CheckpointFiles) -> tuple[WeightFile, ...]:
    """Return the checked files that hold a checkpoint's weights; none if there are none.

    Raises:
        ModelError: a file is damaged, lies outside of the folder, or holds no plain floating point numbers.
    """
    single = files.find(SINGLE)
    if single is not None:
        found = _checked(files, SINGLE, single)
        _check_count(files, len(found.tensors))
        return (found,)
    index = files.read_object(INDEX)
    if index is None:
        return ()
    shards = []
    held: dict[str, str] = {}
    for file in _shard_names(files, index):
        shards.append(_shard(files, file))
        for tensor in shards[-1].tensors:
            if (other := held.setdefault(tensor.name, file)) != file:
                raise files.damaged(file, f"it holds {short(tensor.name)}, and so does {short(other)}")
        _check_count(files, len(held))
    for name, file in index["weight_map"].items():
        if held.get(name) != file:
            raise files.damaged(INDEX, f"it says that {short(file)} holds {short(name)}, which it does not")
    return tuple(shards)


def _check_count(files: CheckpointFiles, count: int) -> None:
    if count > _MOST_TENSORS:
        raise ModelError(f"{files.name} has {count:,} tensors", f"a BERT has at most {_MOST_TENSORS:,}")


def named(
    weight_files: tuple[WeightFile, ...], names: Mapping[str, str], family: Family, *, name: str
) -> tuple[WeightFile, ...]:
    """Return the weights of the checkpoint ``name`` with each tensor under the name that it has in the model.

    Raises:
        ModelError: two of them are one and the same parameter for transformers: under an older name, without that of
            the body, or one of them inside of a wrapper.
    """
    seen: dict[str, str] = {}
    for stored, plain in names.items():
        today = plain.removeprefix(f"{family.body}.").replace(".gamma", ".weight").replace(".beta", ".bias")
        if (other := seen.setdefault(today, stored)) != stored:
            raise ModelError(
                f"{name} holds one parameter under two names: {some([other, stored])}",
                "which one counts cannot be known: save the model again with save_pretrained",
            )
    return tuple(
        replace(file, tensors=tuple(replace(tensor, name=names[tensor.stored]) for tensor in file.tensors))
        for file in weight_files
    )


def _shard_names(files: CheckpointFiles, index: dict[str, Any]) -> list[str]:
    places = index.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise files.damaged(INDEX, "it has no weight_map")
    names = sorted({file for file in places.values() if isinstance(file, str)})
    if len(set(map(type, places.values()))) > 1 or not names:
        raise files.damaged(INDEX, "its weight_map does not name files")
    for file in names:
        # A shard lies beside its index: whatever else a path can say leads away.
        plain = file.isprintable() and len(file) < 200 and not any(sign in file for sign in "/\\:")
        if not plain or not file.endswith(".safetensors"):
            raise ModelError(
                f"{INDEX} of {files.name} names {short(repr(file))}, which is not a safetensors file in its folder",
                "do not trust this checkpoint: an index that save_pretrained wrote names files beside it",
            )
    if len(names) > _MOST_SHARDS:
        raise files.damaged(INDEX, f"it names more than {_MOST_SHARDS:,} files")
    return names


def _shard(files: CheckpointFiles, file: str) -> WeightFile:
    path = files.find(file)
    if path is None:
        raise ModelError(f"{file} of {files.name} is missing, and {INDEX} names it", "copy all files of the checkpoint")
    return _checked(files, file, path)


def _checked(files: CheckpointFiles, file: str, path: Path) -> WeightFile:
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            start = stream.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or 8 + length > size:
                raise ValueError(f"it is cut off, or no safetensors file: its header would end behind its {size} bytes")
            if length > _HEADER_LIMIT:
                raise ValueError(f"its header is larger than {_HEADER_LIMIT // 2**20} MiB")
            header = parse(stream.read(length))
        tensors = _tensors(header, 8 + length, size)
    except OSError as error:
        raise files.unreadable(file, error) from error
    except ValueError as error:
        raise files.damaged(file, str(error)) from error
    other = [tensor for tensor in tensors if tensor.name.endswith(_PARAMETERS) and tensor.dtype not in FLOATS]
    if other:
        raise ModelError(
            f"{files.name} holds {counted(len(other), 'parameter')} in other than plain floating point: "
            f"{some([f'{tensor.name} ({tensor.dtype})' for tensor in other])}",
            f"save it dequantised, as {' or '.join(FLOATS.values())}",
        )
    return WeightFile(path=path, tensors=tensors)


def _tensors(header: Any, start: int, size: int) -> tuple[Tensor, ...]:
    """Return a header's tensors by their place; together they fill the file, without a gap or an overlap."""
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("the metadata of its header are no texts")
    tensors = sorted(
        (_tensor(name, entry, start) for name, entry in header.items()), key=lambda tensor: (tensor.begin, tensor.end)
    )
    place = start
    for tensor in tensors:
        if tensor.begin != place:
            how = "overlaps the one before" if tensor.begin < place else "does not begin where the one before ends"
            raise ValueError(f"tensor {short(tensor.name)} {how}")
        place = tensor.end
    if place != size:
        raise ValueError(f"its tensors end at byte {place:,} of {size:,}")
    return tuple(tensors)


def _tensor(name: str, entry: Any, start: int) -> Tensor:
    shown = short(name)
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"tensor {shown} has no dtype, shape or data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise ValueError(f"tensor {shown} has a dtype that is unknown: {short(str(dtype))}")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"the shape or the data_offsets of tensor {shown} are no sizes")
    count = math.prod(shape)
    begin, end = offsets
    if (end - begin) * 8 != count * _BITS[dtype]:
        raise ValueError(f"tensor {shown} has {end - begin} bytes, which its shape and dtype do not fill")
    place = {"begin": start + begin, "end": start + end}
    return Tensor(name=name, stored=name, dtype=dtype, shape=tuple(shape), count=count, **place)


def _are_sizes(thing: Any) -> bool:
    if not isinstance(thing, list) or len(thing) > _MOST_AXES:
        return False
    return all(type(number) is int and 0 <= number < 2**63 for number in thing)
