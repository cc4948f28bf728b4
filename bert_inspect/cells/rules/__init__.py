"""The rules of arithmetic: for each operation of the table of operations, how one of its numbers came about."""

from collections.abc import Callable

from ...traces import ops
from ...traces.ops import op_of
from ..arithmetic import Arithmetic, Untold
from ..operand import Call, Index
from . import choices, entrywise, fused, losses, made, moved, norms, products, shares, sums

Rule = Callable[[Call, Index], Arithmetic]

_BY_FAMILY: dict[str, Rule] = {
    ops.RESHAPE: moved.reshaped,
    ops.EXPAND: moved.expanded,
    ops.UNSQUEEZE: moved.unsqueezed,
    ops.SQUEEZE: moved.squeezed,
    ops.TRANSPOSE: moved.transposed,
    ops.COPY: moved.handed_on,
    ops.INDEX: moved.indexed,
    ops.GATHER: moved.gathered,
    ops.SPLIT: moved.split,
    ops.JOIN: moved.joined,
    ops.REPEAT: moved.repeated,
    ops.DROPOUT: moved.handed_on,
    ops.PICK: made.picked,
    ops.MATMUL: products.matmul,
    ops.ADD_MATMUL: products.add_matmul,
    ops.SCALE: entrywise.scaled,
    ops.DIVIDE: entrywise.divided,
    ops.ADD: sums.add,
    ops.SUBTRACT: sums.add,
    ops.SUM: sums.summed,
    ops.MEAN: sums.summed,
    ops.COUNT: sums.counted,
    ops.SOFTMAX: shares.softmax,
    ops.FUSED_ATTENTION: fused.attention,
    ops.COMPARE: choices.compared,
    ops.INVERT: choices.inverted,
    ops.TRUTH: choices.truth,
    ops.ARGMAX: choices.largest_place,
    ops.SMALLER: choices.smaller,
    ops.CLAMP: entrywise.clamped,
    ops.RANGE: made.counted_places,
    ops.FILL: made.fixed,
    ops.MAKE: made.fixed,
    ops.BUCKETS: made.buckets,
    ops.ROOT_OF_SIZE: made.root_of_size,
    ops.LOCAL_MASK: made.mask,
}
_MASKS = ("create_bidirectional_mask", "create_causal_mask", "get_extended_attention_mask")
_BY_TYPE: dict[str, Rule] = {
    **dict.fromkeys(entrywise.FUNCTIONS, entrywise.function),
    **dict.fromkeys(choices.COMPARISONS, choices.compared),
    **dict.fromkeys(("select", "narrow"), moved.selected),
    **dict.fromkeys(_MASKS, made.mask),
    **dict.fromkeys(("masked_fill", "masked_fill_"), choices.masked_fill),
    **dict.fromkeys(("Dropout", "Identity"), moved.handed_on),
    **dict.fromkeys(("linear", "Linear"), products.linear),
    **dict.fromkeys(("layer_norm", "LayerNorm"), norms.layer_norm),
    **dict.fromkeys(("embedding", "Embedding"), made.row),
    **dict.fromkeys(("gelu", "GELU"), entrywise.gelu),
    **dict.fromkeys(("log_softmax", "Softmax", "LogSoftmax"), shares.softmax),
    **dict.fromkeys(("max", "maximum"), choices.smaller),
    **dict.fromkeys(("pow", "pow_"), entrywise.power),
    **dict.fromkeys(("rtruediv", "rdiv"), entrywise.divided),
    "nonzero": choices.places_of_truth,
    "stack": moved.joined,
    "where": choices.where,
    "index_select": moved.gathered,
    "Conv1d": products.convolution,
    "cross_entropy": losses.cross_entropy,
    "mse_loss": losses.squares,
    "binary_cross_entropy_with_logits": losses.two_way_entropies,
}
"""By type, where that says more than the family."""


def rule_of(type_: str) -> Rule:
    """Return the rule of a step's type: the name of an operation, or the class of a module of torch.nn.

    Raises:
        Untold: there is none.
    """
    rule = _BY_TYPE.get(type_) or _BY_FAMILY.get(op_of(type_).family)
    if rule is None:
        raise Untold(f"the arithmetic of {type_} is not known", "bert-inspect source shows its code")
    return rule
