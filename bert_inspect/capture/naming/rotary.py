"""What becomes of queries and keys that a rotary embedding turns, and of the positions that it is made of.

Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding" (2021), as transformers computes it: the
halves of a head are the two coordinates of its pairs. ``q cos + rotated_half(q) sin``, where the rotated half of
(first, second) is (-second, first); cos and sin of position x frequency stand in both halves.
"""

from collections.abc import Iterator

from ...traces import ops
from ...traces.vocabulary import axes, labels
from ...traces.vocabulary.axes import Axes
from ..tracing.step_record import StepRecord

_Rule = tuple[tuple[str, ...], str]

_ANGLES = (
    (
        *(labels.ROTARY_FREQUENCIES, labels.ROTARY_ANGLES, labels.ROTARY_ANGLES_TWICE),
        *(labels.ROTARY_COS, labels.ROTARY_SIN, labels.SCALED_ROTARY_COS, labels.SCALED_ROTARY_SIN),
    ),
    (
        *(labels.LOCAL_ROTARY_FREQUENCIES, labels.LOCAL_ROTARY_ANGLES, labels.LOCAL_ROTARY_ANGLES_TWICE),
        *(labels.LOCAL_ROTARY_COS, labels.LOCAL_ROTARY_SIN),
        *(labels.LOCAL_SCALED_ROTARY_COS, labels.LOCAL_SCALED_ROTARY_SIN),
    ),
)
"""From the frequencies to cos and sin, of the layers that see all and of those whose attention is local."""

_TURNED = (
    (
        *(labels.QUERY_HEADS, labels.QUERY_TIMES_COS, labels.QUERY_FIRST_HALF, labels.QUERY_SECOND_HALF),
        *(labels.QUERY_SECOND_HALF_NEGATED, labels.QUERY_ROTATED_HALF, labels.QUERY_ROTATED_HALF_TIMES_SIN),
        labels.ROTATED_QUERY,
    ),
    (
        *(labels.KEY_HEADS, labels.KEY_TIMES_COS, labels.KEY_FIRST_HALF, labels.KEY_SECOND_HALF),
        *(labels.KEY_SECOND_HALF_NEGATED, labels.KEY_ROTATED_HALF, labels.KEY_ROTATED_HALF_TIMES_SIN),
        labels.ROTATED_KEY,
    ),
)


def _rules() -> Iterator[_Rule]:
    yield (ops.UNSQUEEZE, labels.POSITION_IDS), labels.ROTARY_POSITIONS
    for frequencies, angles, twice, cos, sin, scaled_cos, scaled_sin in _ANGLES:
        yield (ops.SCALE, labels.ROTARY_POSITIONS, frequencies), angles
        yield (ops.MATMUL, frequencies, labels.ROTARY_POSITIONS), angles
        yield (ops.TRANSPOSE, angles), angles
        yield (ops.JOIN, angles, angles), twice
        yield (ops.COS, twice), cos
        yield (ops.SIN, twice), sin
        yield (ops.SCALE, cos), scaled_cos
        yield (ops.SCALE, sin), scaled_sin
        for more_axes in (frequencies, cos, sin, scaled_cos, scaled_sin):
            yield (ops.UNSQUEEZE, more_axes), more_axes
            yield (ops.EXPAND, more_axes), more_axes
        for heads, times_cos, first, second, negated, half, half_times_sin, turned in _TURNED:
            yield from (((ops.SCALE, heads, each), times_cos) for each in (cos, scaled_cos))
            yield from (((ops.SCALE, half, each), half_times_sin) for each in (sin, scaled_sin))
            yield (ops.NEGATE, second), negated
            yield (ops.JOIN, negated, first), half
            yield (ops.ADD, times_cos, half_times_sin), turned
    yield (ops.TRANSPOSE, labels.ROTATED_KEY), labels.KEY_TRANSPOSED
    yield (ops.MATMUL, labels.ROTATED_QUERY, labels.KEY_TRANSPOSED), labels.ATTENTION_SCORES


OPS = dict(_rules())
"""Ops, by their family and the names of the tensors that they work on."""

_HALVES = {heads: (first, second) for heads, _, first, second, *_ in _TURNED}
_LOCAL = frozenset(_ANGLES[1])

_BY_TOKEN: Axes = ["batch", "tokens", "head_dim"]
_HALF: Axes = ["batch", "heads", "tokens", "half head_dim"]
AXES: dict[str, Axes] = {
    **{angles[0]: ["frequencies"] for angles in _ANGLES},
    **{angles[2]: _BY_TOKEN for angles in _ANGLES},
    **{label: axes.HEADS for turned in _TURNED for label in (turned[1], *turned[5:])},
    **{label: _HALF for turned in _TURNED for label in turned[2:5]},
}
"""The axes of what the labels say."""
OTHER_AXES: dict[tuple[str, int], Axes] = {
    (angles[0], 3): ["broadcast", "frequencies", "broadcast"] for angles in _ANGLES
}
"""Those of frequencies that are laid out to be multiplied with positions as matrices are."""


def half(step: StepRecord, source: str) -> str | None:
    """Return which half of the heads' entries an index takes, None where it takes none of queries or keys."""
    index = step.given[0] if step.type == "getitem" and step.given and source in _HALVES else None
    if not isinstance(index, tuple) or len(index) != 2 or index[0] is not Ellipsis or not isinstance(index[1], slice):
        return None
    size = step.inputs[0].shape[-1]
    taken = range(size)[index[1]]
    if taken == range(size // 2):
        return _HALVES[source][0]
    return _HALVES[source][1] if taken == range(size // 2, size) else None


def is_local(label: str) -> bool:
    """Whether a label is of what turns the queries and keys of layers whose attention is local."""
    return label in _LOCAL
