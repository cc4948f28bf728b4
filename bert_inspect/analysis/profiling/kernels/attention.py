"""Sums over where the heads of a layer look."""

from typing import Any

import numpy as np

from .compiled import compiled


@compiled(fastmath={"reassoc", "nsz"})
def _entropy(shares: Any, logarithms: Any) -> float:
    """Return the entropy of shares, given with their logarithms."""
    total = 0.0
    for place in range(shares.size):
        share = np.float64(shares[place])
        total -= share * logarithms[place] if share != 0.0 else 0.0
    return total


@compiled()
def _at(shares: Any, places: Any) -> float:
    """Return the sum of the shares at some places."""
    total = 0.0
    for place in places:
        total += np.float64(shares[place])
    return total


@compiled()
def look(probabilities: Any, logarithms: Any, kinds: Any, totals: Any) -> None:
    """Add up where the heads of a layer look, from attention probabilities (batch, heads, query tokens, key tokens) and
    their logarithms: into ``totals`` (quantities, heads), as `one_pass.looked` returns them.
    """
    batch, heads, tokens, _ = probabilities.shape
    for row in range(batch):
        padding = np.flatnonzero(kinds[row] == 0)
        first, separators = np.flatnonzero(kinds[row] == 1), np.flatnonzero(kinds[row] == 2)
        for head in range(heads):
            for query in range(tokens):
                if kinds[row, query] == 0:
                    continue
                shares = probabilities[row, head, query]
                entropy = _entropy(shares, logarithms[row, head, query])
                if np.isnan(entropy):  # where it looks is not known
                    totals[:, head] = np.nan
                totals[0, head] += entropy
                totals[1, head] += _at(shares, first)
                totals[2, head] += _at(shares, separators)
                totals[3, head] += np.float64(shares[query])
                if query > 0 and kinds[row, query - 1] != 0:
                    totals[4, head] += np.float64(shares[query - 1])
                if query + 1 < tokens and kinds[row, query + 1] != 0:
                    totals[5, head] += np.float64(shares[query + 1])
                totals[6, head] += _at(shares, padding)
