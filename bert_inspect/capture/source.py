"""Which line of source ran an op or called a module."""

import linecache
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType

import torch

from ..record import Source
from .notes import Line

_TORCH = str(Path(torch.__file__).parent / "_")[:-1]
_CALL = str(Path(torch.nn.modules.module.__file__))
_HERE = str(Path(__file__).parent.parent / "_")[:-1]
_DECORATORS = str(Path("transformers", "utils", "_"))[:-1]
_MASK_HELPERS = ("masking_utils.py", "modeling_attn_mask_utils.py")

# Each code object is judged once: its file name decides, and the same few hundred come by in every layer.
_is_wrapper: dict[CodeType, bool] = {}
_is_mask_helper: dict[CodeType, bool] = {}


def _judge(cache: dict[CodeType, bool], code: CodeType, verdict: bool) -> bool:
    cache[code] = verdict
    return verdict


def outside_torch(frame: FrameType | None) -> FrameType | None:
    """Return the nearest frame that is not torch's own (an op may be wrapped by ``torch.overrides`` or by
    ``torch.nn.functional``), nor a decorator of transformers, nor a ``__call__`` that only passes a call on.
    """
    while frame is not None:
        code = frame.f_code
        skip = _is_wrapper.get(code)
        if skip is None:
            wraps = code.co_name == "__call__" or _DECORATORS in code.co_filename
            skip = _judge(_is_wrapper, code, wraps or code.co_filename.startswith(_TORCH))
        if not skip:
            return None if code.co_filename.startswith(_HERE) else frame
        frame = frame.f_back
    return None


def mask_helper(frame: FrameType | None) -> FrameType | None:
    """Return the outermost frame, within the forward that is running, of a helper that builds the attention mask."""
    helper = None
    while frame is not None:
        code = frame.f_code
        masks = _is_mask_helper.get(code)
        if masks is None:
            masks = _judge(_is_mask_helper, code, Path(code.co_filename).name in _MASK_HELPERS)
        if masks:
            helper = frame
        elif helper is None or code.co_filename == _CALL:
            return helper  # an op outside of the helpers, as nearly all are; or the call of the running forward
        frame = frame.f_back
    return helper


def line_of(frame: FrameType | None) -> Line | None:
    """Return the line that a frame is at."""
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)


@lru_cache(maxsize=4096)
def source_of(line: Line | None) -> Source | None:
    """Return the line with its text; a text that cannot be read (code typed into a session) is empty."""
    if line is None:
        return None
    file, number = line
    return Source(file=Path(file).name, line=number, code=linecache.getline(file, number).strip())
