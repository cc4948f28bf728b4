"""Which line of source ran an op or called a module."""

import linecache
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType

import torch

from ...traces.record import Source
from .step_record import SourceLine

CallSite = tuple[CodeType, int]
"""A code object and the offset of an instruction in it: cheaper to record than the line, which follows from it."""

_TORCH = str(Path(torch.__file__).parent / "_")[:-1]
_CALL = str(Path(torch.nn.modules.module.__file__))
_HERE = str(Path(__file__).parents[2] / "_")[:-1]
_TRACER = {str(Path(__file__).with_name(name)) for name in ("module_calls.py", "function_mode.py", "scripted.py")}
_DECORATORS = str(Path("transformers", "utils", "_"))[:-1]
_MASK_HELPERS = ("masking_utils.py", "modeling_attn_mask_utils.py")
_MASK_FUNCTIONS = ("get_extended_attention_mask",)  # those that older releases have among a model's methods


# Whose a function is: what a model does stands in its own code, or in a helper that builds its mask; wrappers are
# torch's own, decorators of transformers, and a `__call__` that only passes a call on. Plain numbers: compared at
# every step.
OWN, MASK_HELPER, WRAPPER, OURS = range(4)

kinds: dict[CodeType, int] = {}
"""Each code object is judged once: its file name decides, and the same few hundred come by in every layer."""


def judge(code: CodeType) -> int:
    """Say whose a function is, and remember it in `kinds`."""
    file = code.co_filename
    if code.co_name == "__call__" or file.startswith(_TORCH) or _DECORATORS in file or file in _TRACER:
        kind = WRAPPER
    elif file.startswith(_HERE):
        kind = OURS
    else:
        kind = MASK_HELPER if Path(file).name in _MASK_HELPERS or code.co_name in _MASK_FUNCTIONS else OWN
    kinds[code] = kind
    return kind


def caller(frame: FrameType | None) -> FrameType | None:
    """Return the nearest frame that is no wrapper (an op may be wrapped by ``torch.overrides`` or by
    ``torch.nn.functional``); None where that is not the model's.
    """
    while frame is not None:
        code = frame.f_code
        kind = kinds.get(code)
        if kind is None:
            kind = judge(code)
        if kind != WRAPPER:
            return None if kind == OURS else frame
        frame = frame.f_back
    return None


def mask_helper(frame: FrameType | None) -> FrameType | None:
    """Return the outermost frame, within the forward that is running, of a helper that builds the attention mask, if
    the given one is such a helper's.
    """
    helper = None
    while frame is not None:
        code = frame.f_code
        kind = kinds.get(code)
        if kind is None:
            kind = judge(code)
        if kind == MASK_HELPER:
            helper = frame
        elif helper is None or code.co_filename == _CALL:
            return helper  # an op outside of the helpers, as nearly all are; or the call of the running forward
        frame = frame.f_back
    return helper


def site_of(frame: FrameType | None) -> CallSite | None:
    """Return the place that a frame is at."""
    return None if frame is None else (frame.f_code, frame.f_lasti)


def line_of(place: CallSite | None) -> SourceLine | None:
    """Return the line of a place."""
    if place is None:
        return None
    code, offset = place
    return code.co_filename, _lines(code)[offset // 2]


@lru_cache(maxsize=1024)
def _lines(code: CodeType) -> list[int]:
    """Return the line of each instruction; each takes two bytes."""
    return [line or code.co_firstlineno for line, _, _, _ in code.co_positions()]


@lru_cache(maxsize=4096)
def source_of(line: SourceLine | None) -> Source | None:
    """Return the line with its text; a text that cannot be read (code typed into a session) is empty."""
    if line is None:
        return None
    file, number = line
    return Source(file=Path(file).name, line=number, code=linecache.getline(file, number).strip())
