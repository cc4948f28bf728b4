"""What happens before the model: sentences, the tokenizer, and the numbers that it makes of them."""

from collections.abc import Sequence

from ..traces.record import Input
from ..traces.token_text import token_texts
from .graph import Arrow, Dataflow, Node, order_of

_SENTENCES, _TOKENS = 4, 12
"""How many sentences, and how many tokens of each, a picture shows."""


def tokenizing(batch: Input, inputs: Sequence[Node]) -> tuple[tuple[Node, ...], set[Arrow]]:
    """Return the sentences and the tokenizer, and the arrows from there to those inputs that it makes."""
    pairs = batch.pairs or [""] * len(batch.texts)
    texts = [f"{text}  |  {pair}" if pair else text for text, pair in zip(batch.texts, pairs, strict=True)]
    text = Node(id="t0", kind="text", label="", lines=_first(texts, "sentence"))
    rows = range(len(batch.tokens))
    tokens = [" ".join(_first(token_texts(batch, row), "token", count=_TOKENS)) for row in rows]
    tokenizer = Node(id="t1", kind="tokenizer", label="tokenizer", lines=_first(tokens, "sentence"))
    made = {Arrow(text.id, tokenizer.id, None)}
    shape = (len(batch.tokens), len(batch.tokens[0]) if batch.tokens else 0)
    made |= {Arrow(tokenizer.id, node.id, shape) for node in inputs if node.label in _MADE}
    return (text, tokenizer), made


_MADE = ("input_ids", "token_type_ids", "attention_mask")


def tokenizer_flow(batch: Input) -> Dataflow:
    """Return the tokenizer's part alone: from the sentences to the numbers that the model gets."""
    inputs = [
        Node(
            id=f"i{number}",
            kind="input",
            label=name,
            lines=_first([" ".join(_first(row, "token", count=_TOKENS)) for row in getattr(batch, name)], "sentence"),
        )
        for number, name in enumerate(_MADE)
    ]
    nodes, arrows = tokenizing(batch, inputs)
    return Dataflow(title="tokenizer input", nodes=(*nodes, *inputs), arrows=tuple(sorted(arrows, key=order_of)))


def _first(items: Sequence[object], noun: str, *, count: int = _SENTENCES) -> tuple[str, ...]:
    """Return the first items as text, and how many more there are."""
    more = len(items) - count
    said = (f"... {more} more {noun}{'s' if more > 1 else ''}",) if more > 0 else ()
    return (*(str(item) for item in items[:count]), *said)
