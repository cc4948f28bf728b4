"""The operations of torch that a BERT is made of: one table of all that is known of each, by its name in a trace.

A module of ``torch.nn`` that is one operation stands here too, under its class.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from . import flops

FlopsRule = Callable[[Sequence[Any], Mapping[str, Any], tuple[int, ...]], int | None]

RESHAPE: Final = "reshape"
SQUEEZE: Final = "squeeze"
UNSQUEEZE: Final = "unsqueeze"
EXPAND: Final = "expand"
TRANSPOSE: Final = "transpose"
MATMUL: Final = "matmul"
ADD_MATMUL: Final = "add matmul"
SCALE: Final = "scale"
SUBTRACT: Final = "subtract"
TRUTH: Final = "truth"
INVERT: Final = "invert"
COMPARE: Final = "compare"
SIGN: Final = "sign"
MAGNITUDE: Final = "magnitude"
LOGARITHM: Final = "logarithm"
CEIL: Final = "ceil"
CLAMP: Final = "clamp"
GATHER: Final = "gather"
REPEAT: Final = "repeat"
ROOT: Final = "root"
ROOT_OF_SIZE: Final = "root of size"
PICK: Final = "pick"
BUCKETS: Final = "buckets"
MAKE: Final = "make"
ACTIVATION: Final = "activation"
DIVIDE: Final = "divide"
NEGATE: Final = "negate"
COS: Final = "cos"
SIN: Final = "sin"
SUM: Final = "sum"
ARGMAX: Final = "argmax"
COUNT: Final = "count"
RANGE: Final = "range"
ADD: Final = "add"
SOFTMAX: Final = "softmax"
DROPOUT: Final = "dropout"
FUSED_ATTENTION: Final = "fused attention"
INDEX: Final = "index"
COPY: Final = "copy"
SPLIT: Final = "split"
JOIN: Final = "join"
LOSS: Final = "loss"
FILL: Final = "fill"
SMALLER: Final = "smaller"
MEAN: Final = "mean"
LOCAL_MASK: Final = "local mask"


@dataclass(frozen=True, kw_only=True)
class Op:
    """What is known of an operation.

    Attributes:
        family: what operations of several names have in common, for labels.
        sign: how a diagram draws it where there is room for one character.
        infix: how a formula writes it between two things, empty where it is written as a function.
        inputs: what its documentation calls the tensors that it receives by position.
        moves: it only moves numbers, or turns their signs, and rounds none.
        lays_out: it lays one tensor out anew, or hands it on: the same tensor to a reader.
        sums_pairwise: it sums along an axis, which torch does pairwise.
        flops: its floating point operations, where it is a matrix product.
    """

    family: str = ""
    sign: str = "ƒ"
    infix: str = ""
    inputs: tuple[str, ...] = ("input", "other")
    moves: bool = False
    lays_out: bool = False
    sums_pairwise: bool = False
    flops: FlopsRule | None = None


_UNKNOWN = Op()

_TABLE: dict[str, Op] = {
    "view reshape unflatten flatten": Op(family=RESHAPE, sign="R", moves=True, lays_out=True),
    "expand": Op(family=EXPAND, sign="R", moves=True),
    "unsqueeze": Op(family=UNSQUEEZE, sign="R", moves=True),
    "stack": Op(moves=True),
    "squeeze": Op(family=SQUEEZE, moves=True),
    "arange": Op(family=RANGE, moves=True),
    "transpose permute swapaxes swapdims movedim T mT t": Op(family=TRANSPOSE, sign="T", moves=True),
    "contiguous clone detach": Op(family=COPY, moves=True, lays_out=True),
    "to type type_as float int long": Op(family=COPY, lays_out=True),
    "getitem select narrow index_select": Op(family=INDEX, sign="[ ]", moves=True),
    "gather": Op(family=GATHER, sign="[ ]", inputs=("input", "dim", "index"), moves=True),
    "chunk split unbind": Op(family=SPLIT, sign="||", moves=True),
    "cat": Op(family=JOIN, sign="||", moves=True),
    "matmul bmm mm": Op(family=MATMUL, sign="@", flops=flops.matmul),
    "addmm": Op(family=ADD_MATMUL, sign="@", inputs=("input", "mat1", "mat2"), flops=flops.add_matmul),
    "baddbmm": Op(family=ADD_MATMUL, sign="@", inputs=("input", "batch1", "batch2"), flops=flops.add_matmul),
    "linear": Op(sign="@", inputs=("input", "weight", "bias"), flops=flops.linear),
    "mul multiply mul_ rmul imul": Op(family=SCALE, sign="×", infix="×"),
    "div true_divide divide div_ truediv": Op(family=DIVIDE, sign="÷", infix="/"),
    "neg negative": Op(family=NEGATE, sign="−", moves=True),
    "cos": Op(family=COS, sign="cos"),
    "sin": Op(family=SIN, sign="sin"),
    "argmax": Op(family=ARGMAX),
    "add add_ iadd radd": Op(family=ADD, sign="+", infix="+"),
    "sub": Op(family=SUBTRACT, sign="−", infix="−"),
    "rsub": Op(family=SUBTRACT, sign="−"),
    "abs": Op(family=MAGNITUDE, sign="| |"),
    "log": Op(family=LOGARITHM),
    "min minimum": Op(family=SMALLER),
    "full_like zeros_like ones_like": Op(family=FILL, moves=True),
    "cumsum": Op(family=COUNT, sign="Σ"),
    "masked_fill masked_fill_": Op(family=ADD),
    "where": Op(family=ADD, inputs=("condition", "input", "other")),
    "bool": Op(family=TRUTH),
    "invert bitwise_not logical_not": Op(family=INVERT, sign="¬"),
    "ne": Op(family=COMPARE, sign="≠", infix="≠"),
    "lt": Op(family=COMPARE, sign="<", infix="<"),
    "gt": Op(family=COMPARE, sign=">", infix=">"),
    "le": Op(family=COMPARE, sign="≤", infix="≤"),
    "ge": Op(family=COMPARE, sign="≥", infix="≥"),
    "and": Op(family=COMPARE, sign="∧"),
    "sign": Op(family=SIGN),
    "ceil": Op(family=CEIL),
    "clamp": Op(family=CLAMP),
    "sqrt": Op(family=ROOT, sign="√"),
    "repeat": Op(family=REPEAT, sign="R", moves=True),
    "make_log_bucket_position": Op(family=BUCKETS),
    "build_rpos": Op(family=PICK, inputs=("query", "key", "relative_positions"), moves=True),
    "scaled_size_sqrt": Op(family=ROOT_OF_SIZE, sign="√"),
    "tensor": Op(family=MAKE),
    "gelu relu silu tanh sigmoid": Op(family=ACTIVATION),
    "softmax": Op(family=SOFTMAX, sign="σ", sums_pairwise=True),
    "log_softmax": Op(sums_pairwise=True),
    "mean": Op(family=MEAN, sums_pairwise=True),
    "sum": Op(family=SUM, sign="Σ", sums_pairwise=True),
    "layer_norm": Op(inputs=("input", "normalized_shape", "weight", "bias"), sums_pairwise=True),
    "embedding": Op(inputs=("input", "weight")),
    "dropout": Op(family=DROPOUT, sign="D"),
    "scaled_dot_product_attention": Op(
        family=FUSED_ATTENTION, sign="A", inputs=("query", "key", "value", "attn_mask"), flops=flops.fused_attention
    ),
    "create_bidirectional_mask create_causal_mask get_extended_attention_mask": Op(sign="M"),
    "create_bidirectional_sliding_window_mask": Op(family=LOCAL_MASK, sign="M"),
    "cross_entropy": Op(family=LOSS, sign="L", inputs=("input", "target", "weight"), sums_pairwise=True),
    "mse_loss": Op(family=LOSS, sign="L", inputs=("input", "target")),
    "binary_cross_entropy_with_logits": Op(family=LOSS, sign="L", inputs=("input", "target", "weight")),
    # Modules of torch.nn
    "Embedding Dropout Identity": Op(moves=True),
    "LayerNorm Softmax": Op(sums_pairwise=True),
}

OPS: Final[Mapping[str, Op]] = {name: op for names, op in _TABLE.items() for name in names.split()}


def op_of(type_: str) -> Op:
    """Return what is known of a step by its type: the name of an operation, or a module's class."""
    return OPS.get(type_, _UNKNOWN)


def plain_name(name: str) -> str:
    """Return a function's name as a trace has it: ``add`` of ``__add__``, and of ``torch.ops.aten.add.Tensor``."""
    return name.strip("_") if name.startswith("__") else name.partition(".")[0]
