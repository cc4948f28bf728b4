"""The number as a sum over tokens: what each token's rows of the embedding tables contribute, and each bias."""

import torch

from ...traces.record import Input
from ...traces.values import strict
from ...traces.vocabulary import roles
from .explanation import Answer, Cut, TokenShare
from .frozen_run import FrozenRun

_KINDS = {
    roles.WORD_EMBEDDINGS: "word",
    roles.POSITION_EMBEDDINGS: "position",
    roles.TOKEN_TYPE_EMBEDDINGS: "token_type",
}


def by_token(run: FrozenRun, batch: Input) -> list[Answer]:
    """Return each explained number as a sum over tokens and biases, and the same sum cut at every hidden state."""
    shares: dict[str, torch.Tensor] = {}  # (rows, tokens) of each kind
    for part, gradient in zip(run.parts, run.gradients, strict=True):
        if gradient is not None:
            kind = _KINDS[part.role]
            shares[kind] = shares.get(kind, 0) + _by_token(part.tensor.detach(), gradient)
    answers = []
    for place, quantity in enumerate(run.quantities):
        tokens = [_token(shares, row, at) for row in run.rows(quantity) for at in range(len(batch.tokens[row]))]
        biases = run.biases(quantity)
        shares_of_all = [*(token.share for token in tokens), *(bias.share for bias in biases)]
        total = run.total(place, [float(share) for share in shares_of_all])
        cuts = [_cut(run, place, layer) for layer in range(len(run.hidden_states))]
        answers.append(
            Answer(sentence=quantity.row, target=quantity.target, tokens=tokens, biases=biases, total=total, cuts=cuts)
        )
    return answers


def _by_token(tensor: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Return activation x gradient (batch, tokens), in float64."""
    return (tensor.double() * gradient.double()).sum(dim=-1).cpu()


def _token(shares: dict[str, torch.Tensor], row: int, place: int) -> TokenShare:
    kinds = {kind: float(found[row, place]) for kind, found in shares.items()}
    told = {kind: strict(share) for kind, share in kinds.items()}
    return TokenShare(
        sentence=row,
        place=place,
        share=strict(sum(kinds.values())),
        word=told.get("word"),
        position=told.get("position"),
        token_type=told.get("token_type"),
    )


def _cut(run: FrozenRun, place: int, layer: int) -> Cut:
    state, gradient, order = run.hidden_states[layer]
    quantity = run.quantities[place]
    rows = run.rows(quantity)
    tokens = [share for row in rows for share in _by_token(state[row], gradient[row]).tolist()]
    biases = run.biases_above(quantity, order)
    return Cut(
        layer=layer,
        tokens=[strict(share) for share in tokens],
        biases=strict(biases),
        total=run.total(place, [*tokens, biases]),
    )
