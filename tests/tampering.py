"""Ways to break a BERT, each with the step that it breaks and, where it is one of the usual suspects, which."""

from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import ACT2FN

LAST = "bert.encoder.layer.1"


class Tampering(NamedTuple):
    """``suspect`` is None for what is none of the usual ones; ``says`` stands in what is said of the cause."""

    apply: Callable[[Any], None]
    path: str
    label: str
    suspect: str | None
    says: str = ""


def _last(model: Any) -> Any:
    return model.bert.encoder.layer[-1]


def _all_eps(model: Any) -> None:
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5


def _last_eps(model: Any) -> None:
    _last(model).output.LayerNorm.eps = 1e-5


def _activation(name: str) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        _last(model).intermediate.intermediate_act_fn = ACT2FN[name]

    return apply


def _transposed(model: Any) -> None:
    weight = _last(model).attention.output.dense.weight
    weight.data = weight.data.t().contiguous()


def _transposed_oblong(model: Any) -> None:
    weight = _last(model).intermediate.dense.weight
    weight.data = weight.data.t().reshape(weight.shape).contiguous()


def _swapped_projections(model: Any) -> None:
    inner = _last(model).attention.self
    inner.query, inner.key = inner.key, inner.query


def _no_bias(model: Any) -> None:
    _last(model).output.dense.bias = None


def _shifted_ids(model: Any) -> None:
    model.bert.embeddings.position_ids = model.bert.embeddings.position_ids + 1


def _given_to(path: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        module = model.get_submodule(path)
        plain = module.forward
        module.forward = lambda ids: plain(change(ids))

    return apply


def _without_segments(model: Any) -> None:
    def forward(self: Any, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        places = self.position_ids[:, : input_ids.shape[1]]
        return self.dropout(self.LayerNorm(self.word_embeddings(input_ids) + self.position_embeddings(places)))

    embeddings = model.bert.embeddings
    embeddings.forward = MethodType(forward, embeddings)


def _given_mask(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        plain = model.bert.forward
        model.bert.forward = lambda input_ids, attention_mask, **rest: plain(
            input_ids, attention_mask=change(attention_mask), **rest
        )

    return apply


def attending(
    *,
    split: Callable[[torch.Tensor, int, int], torch.Tensor] | None = None,
    mask: Callable[[torch.Tensor], torch.Tensor | None] = lambda mask: mask,
    scale: Callable[[float], float | None] = lambda scale: scale,
    axis: int = -1,
) -> Callable[[Any], None]:
    """Let the last layer attend as written out here, with one thing changed."""

    def heads(states: torch.Tensor, count: int, size: int) -> torch.Tensor:
        if split is not None:
            return split(states, count, size)
        return states.view(*states.shape[:2], count, size).transpose(1, 2)

    def forward(self: Any, hidden_states: torch.Tensor, attention_mask: Any = None, **_: Any) -> Any:
        count, size = self.num_attention_heads, self.attention_head_size
        query = heads(self.query(hidden_states), count, size)
        key = heads(self.key(hidden_states), count, size)
        value = heads(self.value(hidden_states), count, size)
        scores = query @ key.transpose(2, 3)
        factor = scale(self.scaling)
        scores = scores if factor is None else scores * factor
        hidden = None if attention_mask is None else mask(attention_mask)
        scores = scores if hidden is None else scores + hidden
        probabilities = functional.softmax(scores, dim=axis)
        context = (probabilities @ value).transpose(1, 2)
        return context.reshape(*hidden_states.shape[:2], -1), probabilities

    def apply(model: Any) -> None:
        inner = _last(model).attention.self
        inner.forward = MethodType(forward, inner)

    return apply


def _inverted(mask: torch.Tensor) -> torch.Tensor:
    return torch.where(mask < -1, 0.0, torch.finfo(mask.dtype).min)


def _interleaved(states: torch.Tensor, count: int, size: int) -> torch.Tensor:
    return states.view(*states.shape[:2], size, count).permute(0, 3, 1, 2)


def _cut_anew(states: torch.Tensor, count: int, size: int) -> torch.Tensor:
    return states.view(states.shape[0], count, states.shape[1], size)


def _entry(path: str, place: tuple[int, ...], factor: float) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        model.get_parameter(path).data[place] *= factor

    return apply


def _added(path: str, amount: float) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        model.get_parameter(path).data[3] += amount

    return apply


def _last_token(model: Any) -> None:
    pooler = model.bert.pooler
    pooler.forward = MethodType(lambda self, states: self.activation(self.dense(states[:, -1])), pooler)


def _no_residual(model: Any) -> None:
    output = _last(model).output
    output.forward = MethodType(lambda self, states, _: self.LayerNorm(self.dropout(self.dense(states))), output)


def _noisy(model: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    weight = _last(model).output.dense.weight
    weight.data += 1e-3 * torch.randn(weight.shape, generator=generator)


_EMBEDDINGS = "bert.embeddings"
_SELF = f"{LAST}.attention.self"
TAMPERINGS: dict[str, Tampering] = {
    "eps everywhere": Tampering(
        _all_eps, f"{_EMBEDDINGS}.LayerNorm", "layer norm", "layer norm eps", "layer_norm_eps 1e-12 against 1e-05"
    ),
    "eps of one norm": Tampering(
        _last_eps, f"{LAST}.output.LayerNorm", "layer norm", "layer norm eps", "layer_norm_eps 1e-12 against 1e-05"
    ),
    "gelu_new": Tampering(
        _activation("gelu_new"),
        f"{LAST}.intermediate.intermediate_act_fn",
        "gelu activation",
        "activation",
        "hidden_act gelu against gelu_new",
    ),
    "relu": Tampering(
        _activation("relu"),
        f"{LAST}.intermediate.intermediate_act_fn",
        "gelu activation",
        "activation",
        "hidden_act gelu against relu",
    ),
    "transposed weight": Tampering(
        _transposed, f"{LAST}.attention.output.dense", "attention output projection", "projection weights", "transposed"
    ),
    "transposed weight that is not square": Tampering(
        _transposed_oblong, f"{LAST}.intermediate.dense", "intermediate projection", "projection weights", "transposed"
    ),
    "swapped projections": Tampering(
        _swapped_projections, f"{_SELF}.query", "query projection", "projection weights", "that of the key projection"
    ),
    "no bias": Tampering(
        _no_bias, f"{LAST}.output.dense", "output projection", "projection weights", "without its bias"
    ),
    "shifted position ids": Tampering(
        _shifted_ids, _EMBEDDINGS, "position ids", "positions", "positions from 0 against from 1"
    ),
    "positions of RoBERTa": Tampering(
        _given_to(f"{_EMBEDDINGS}.position_embeddings", lambda ids: ids + 2),
        f"{_EMBEDDINGS}.position_embeddings",
        "position embeddings",
        "positions",
        "positions from 0 against from 2 (as RoBERTa counts them)",
    ),
    "missing segment ids": Tampering(
        _given_to(f"{_EMBEDDINGS}.token_type_embeddings", torch.zeros_like),
        f"{_EMBEDDINGS}.token_type_embeddings",
        "token type embeddings",
        "segment ids",
        "missing",
    ),
    "swapped segment ids": Tampering(
        _given_to(f"{_EMBEDDINGS}.token_type_embeddings", lambda ids: 1 - ids),
        f"{_EMBEDDINGS}.token_type_embeddings",
        "token type embeddings",
        "segment ids",
        "swapped",
    ),
    "no segment embeddings": Tampering(
        _without_segments, f"{_EMBEDDINGS}.LayerNorm", "layer norm", "segment ids", "left out"
    ),
    "mask ignored by the model": Tampering(
        _given_mask(torch.ones_like), "bert", "attention mask", "attention mask", "applied against not applied"
    ),
    "mask inverted by the model": Tampering(
        _given_mask(lambda mask: 1 - mask), "bert", "attention mask", "attention mask", "applied against inverted"
    ),
    "mask ignored by a layer": Tampering(
        attending(mask=lambda mask: None),
        _SELF,
        "attention probabilities",
        "attention mask",
        "applied against not applied",
    ),
    "mask inverted by a layer": Tampering(
        attending(mask=_inverted), _SELF, "masked attention scores", "attention mask", "applied against inverted"
    ),
    "scores not scaled": Tampering(
        attending(scale=lambda scale: None), _SELF, "masked attention scores", "score scaling", "against not scaled"
    ),
    "scores scaled otherwise": Tampering(
        attending(scale=lambda scale: scale * scale), _SELF, "scaled attention scores", "score scaling", "1 / head_dim"
    ),
    "softmax over the queries": Tampering(
        attending(axis=-2), _SELF, "attention probabilities", "softmax axis", "key tokens against query tokens"
    ),
    "heads interleaved": Tampering(
        attending(split=_interleaved), _SELF, "query split into heads", "head split", "interleaved"
    ),
    "heads cut without a transposition": Tampering(
        attending(split=_cut_anew), _SELF, "query split into heads", "head split", "without a transposition"
    ),
    "one weight": Tampering(_entry(f"{_SELF}.query.weight", (3, 5), 1.1), f"{_SELF}.query", "query projection", None),
    "one weight by a hundredth": Tampering(
        _entry(f"{LAST}.output.dense.weight", (3, 5), 1.01), f"{LAST}.output.dense", "output projection", None
    ),
    "one weight of a norm": Tampering(
        _entry(f"{LAST}.output.LayerNorm.weight", (3,), 1.01), f"{LAST}.output.LayerNorm", "layer norm", None
    ),
    "one bias": Tampering(
        _added(f"{LAST}.intermediate.dense.bias", 1e-3), f"{LAST}.intermediate.dense", "intermediate projection", None
    ),
    "one word": Tampering(
        _entry("bert.embeddings.word_embeddings.weight", (102,), 1.01),
        f"{_EMBEDDINGS}.word_embeddings",
        "word embeddings",
        None,
    ),
    "noise on a weight": Tampering(_noisy, f"{LAST}.output.dense", "output projection", None),
    "last token pooled": Tampering(_last_token, "bert.pooler", "first token [CLS]", None),
    "no residual": Tampering(_no_residual, f"{LAST}.output.LayerNorm", "layer norm", None),
}
