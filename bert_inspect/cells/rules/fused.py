"""Fused attention: the context in one step, its probabilities worked out again from queries, keys and mask."""

import math

import numpy as np

from ..arithmetic import Arithmetic, Column, Group, Quantity, Reference, Untold, along
from ..operand import Array, Call, Index, Operand
from .shares import powers
from .sums import number_of


def attention(call: Call, index: Index) -> Arithmetic:
    """``softmax(query x key transposed x scale + mask) x value``: the sum over the keys of probability x value."""
    query, key, value, mask = (
        call.argument(at, name) for at, name in enumerate(("query", "key", "value", "attn_mask"))
    )
    if not all(isinstance(operand, Operand) for operand in (query, key, value)):
        raise Untold("what this attention received is not known", "name another step")
    if float(call.options.get("dropout_p") or 0) or call.options.get("enable_gqa"):
        raise Untold("the arithmetic of this attention is not known", "name another step")
    scores, size = _scores(call, index, (query, key), mask if isinstance(mask, Operand) else None)
    raised, _ = powers(scores)
    with np.errstate(all="ignore"):
        shares = raised / raised.sum()
    if not np.isfinite(scores).any():
        shares = np.zeros_like(shares)  # no key may be seen: torch returns 0
    place = index[:-2]
    values = along(value, (*place, 0, index[-1]), -2)
    probabilities = Column(values=shares, name="probability")
    terms = np.where(shares == 0, 0.0, shares * values.values)
    total = float(terms.sum())
    spread = 4 + math.sqrt(len(terms)) + 2 * size
    return Arithmetic(
        words=f"sum over {len(terms)} keys of probability x {{0}}; probability: the softmax of "
        f"{_scale(call, query):.6g} x {{1}} . {{2}}" + (" + {3}" if isinstance(mask, Operand) else ""),
        symbols="y_id = sum_j p_ij v_jd, p_i = softmax_j(s q_i . k_j + m_ij)",
        result=total,
        size=float(np.abs(terms).sum()) * spread,
        groups=[Group(values=terms, columns=(probabilities, values), axis="key tokens")],
        references=_references(query, key, value, mask, index),
        quantities=[Quantity(name="scale", value=_scale(call, query))],
        total=total,
        stored=2 * float(np.abs(terms).sum()),  # the probabilities
    )


def _references(query: Operand, key: Operand, value: Operand, mask: object, index: Index) -> list[Reference]:
    before, row, column = index[:-2], index[-2], index[-1]
    found = [
        Reference(operand=value, index=(*before, None, column)),
        Reference(operand=query, index=(*before, row, None)),
        Reference(operand=key, index=(*before, None, None)),
    ]
    if isinstance(mask, Operand):
        at = mask.fitting((*before, row, 0))
        found.append(Reference(operand=mask, index=(*at[:-1], None)))
    return found


def _scale(call: Call, query: Operand) -> float:
    given = call.argument(6, "scale")
    return number_of(given) if given is not None else max(query.shape[-1], 1) ** -0.5


def _scores(call: Call, index: Index, operands: tuple[Operand, Operand], mask: Operand | None) -> tuple[Array, float]:
    """Return the scores of all keys with the mask added, and by how much an error in them is multiplied."""
    query, key = operands
    before, row = index[:-2], index[-2]
    asks = query.read((*before, row, slice(None)))
    keys = key.read((*before, slice(None), slice(None))).reshape(key.shape[-2:])
    scores = (keys @ asks) * _scale(call, query)
    seen = float((np.abs(keys) @ np.abs(asks)).max(initial=0.0)) * _scale(call, query)
    if mask is not None:
        at = mask.fitting((*before, row, 0))[:-1]
        added = mask.read((*at, slice(None)))
        scores = np.where(added != 0, scores, -np.inf) if mask.dtype == "bool" else scores + added
    if call.argument(5, "is_causal", default=False) is True:
        scores = np.where(np.arange(len(scores)) <= row, scores, -np.inf)
    return scores, seen * 2
