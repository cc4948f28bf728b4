"""Explanations made by hand, with shares that everybody can add up."""

from collections.abc import Sequence
from typing import Any

from bert_inspect.analysis.explain.explanation import (
    FORMAT,
    VERSION,
    Answer,
    Bias,
    Components,
    Cut,
    Explanation,
    Faithfulness,
    LayerAnswer,
    Logit,
    Neuron,
    Removed,
    Target,
    TokenShare,
    Total,
)
from bert_inspect.traces.record import Environment, Input, Model, Sizes

FROZEN = ["attention probabilities", "the standard deviations of layer norms"]
SENTENCE = "great un ##bel ##ievable film ."
SHARES = [0.25, 1.0, -0.5, 0.125, 0.0625, -2.0, 0.0, 0.5]
"""Of [CLS], the six pieces of the sentence, [SEP]: each is written down exactly."""


def model(**changes: Any) -> Model:
    settings: dict[str, Any] = {
        "name": "tiny",
        "class_": "BertForSequenceClassification",
        "source": "builtin",
        "weights": "pretrained",
        "initialised": [],
        "attention": "eager",
        "dtype": "float32",
        "device": "cpu",
        "seed": 0,
        "parameters": 1000,
        "config": {},
        "family": "bert",
        "task": "text-classification",
        "sizes": Sizes(layers=2, heads=2, hidden=8),
    }
    return Model(**{**settings, **changes})


def batch(*sentences: str, pairs: Sequence[str] | None = None, padding: int = 0) -> Input:
    """Sentences spelled in their pieces: ``un ##bel`` is one word, and every other piece a word of its own."""
    rows: dict[str, list[Any]] = {
        name: [] for name in ("tokens", "offsets", "words", "special", "input_ids", "token_type_ids", "attention_mask")
    }
    texts: list[list[str]] = [[], []]
    longest = 0
    for place, first in enumerate(sentences):
        row = [("[CLS]", (0, 0), None, 0)]
        for side, spelled in enumerate([first] if pairs is None else [first, pairs[place]]):
            text, word = "", -1
            for piece in spelled.split():
                bare = piece.removeprefix("##")
                if not piece.startswith("##"):
                    text, word = text + (" " if text else ""), word + 1
                row.append((piece, (len(text), len(text) + len(bare)), word, side))  # type: ignore[arg-type]
                text += bare
            texts[side].append(text)
            row.append(("[SEP]", (0, 0), None, side))
        longest = max(longest, len(row) + padding)
        for name, column in zip(("tokens", "offsets", "words", "token_type_ids"), zip(*row, strict=True), strict=True):
            rows[name].append(list(column))
    for place, tokens in enumerate(rows["tokens"]):
        real, rest = len(tokens), longest - len(tokens)
        for name, filling in (("tokens", "[PAD]"), ("offsets", (0, 0)), ("words", None), ("token_type_ids", 0)):
            rows[name][place] += [filling] * rest
        rows["special"].append([int(word is None) for word in rows["words"][place]])
        rows["attention_mask"].append([1] * real + [0] * rest)
        rows["input_ids"].append(list(range(longest)))
    return Input(
        texts=texts[0], pairs=None if pairs is None else texts[1], labels=None, truncated=[0] * len(sentences), **rows
    )


def total(shares: Sequence[float], *, off: float = 0.0, rounding: float = 1e-6) -> Total:
    return Total(sum=sum(shares), value=sum(shares) - off, difference=off, rounding=rounding)


def target(**changes: Any) -> Target:
    settings: dict[str, Any] = {
        "what": "class",
        "of": Logit(label="positive", index=1, logit=2.3737, probability=0.992),
    }
    return Target(**{**settings, **changes})


BIASES = [
    Bias(label="layer norm", part="embeddings", layer=None, share=0.5, parameter="embeddings.LayerNorm.bias"),
    Bias(label="value projection", part="attention", layer=0, share=-0.25),
    Bias(label="layer norm", part="attention", layer=0, share=1.0),
    Bias(label="layer norm", part="feed-forward", layer=0, share=0.125),
    Bias(label="output projection", part="feed-forward", layer=1, share=-0.5),
    Bias(label="pooler projection", part="pooler", layer=None, share=0.0625),
    Bias(label="classifier", part="head", layer=None, share=-0.0625),
]


def tokens_of(shares: Sequence[float], *, sentence: int = 0, kinds: bool = True) -> list[TokenShare]:
    """A share for each place: three quarters of it are the word's, one quarter the position's."""
    return [
        TokenShare(
            sentence=sentence,
            place=place,
            share=share,
            word=share * 0.75 if kinds else None,
            position=share * 0.25 if kinds else None,
        )
        for place, share in enumerate(shares)
    ]


def explanation(answers: Sequence[Answer], given: Input, **changes: Any) -> Explanation:
    settings: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "environment": Environment(bert_inspect="1", python="3", torch="2", transformers="5"),
        "model": model(),
        "input": given,
        "by": "token",
        "frozen": FROZEN,
        "answers": list(answers),
    }
    return Explanation(**{**settings, **changes})


def by_token(shares: Sequence[float] = SHARES, sentence: str = SENTENCE, **changes: Any) -> Explanation:
    """The sentence explained by token, with biases and a cut."""
    given = changes.pop("given", None) or batch(sentence)
    answer: dict[str, Any] = {
        "sentence": 0,
        "target": target(),
        "tokens": tokens_of(shares),
        "biases": BIASES,
        "total": total([*shares, *(float(bias.share) for bias in BIASES)]),
        "cuts": [Cut(layer=layer, tokens=[], biases=0.0, total=total([1.0])) for layer in range(3)],
    }
    own = {name: changes.pop(name) for name in list(changes) if name in Answer.__struct_fields__}
    return explanation([Answer(**{**answer, **own})], given, **changes)


HEADS = [[0.5, -0.25], [2.0, 0.0]]


def by_component(
    heads: Sequence[Sequence[float]] = HEADS,
    *,
    biases: Sequence[Bias] = BIASES,
    feed_forward: Sequence[float] = (),
    **changes: Any,
) -> Explanation:
    found = Components(
        embeddings=0.75,
        heads=[list(row) for row in heads],
        feed_forward=list(feed_forward) or [0.125 * (layer + 1) for layer in range(len(heads))],
        neurons=[[Neuron(neuron=7, share=0.0625), Neuron(neuron=3, share=-0.03125)], []],
    )
    shares = [0.75, *(share for row in heads for share in row), *map(float, found.feed_forward)]
    answer = Answer(
        sentence=0,
        target=target(),
        components=found,
        biases=list(biases),
        total=total([*shares, *(float(bias.share) for bias in biases)]),
    )
    return explanation([answer], batch(SENTENCE), by="component", **changes)


def by_layer(*, constant: bool = True, **changes: Any) -> Explanation:
    values = [-0.5, 0.25, 2.0]
    layers = [
        LayerAnswer(layer=layer, value=value, probability=0.4 + layer / 4, answer="positive")
        for layer, value in enumerate(values)
    ]
    own = {name: changes.pop(name) for name in list(changes) if name in Answer.__struct_fields__}
    answer = Answer(**{"sentence": 0, "target": target(), "layers": layers, "constant_at_0": constant, **own})
    return explanation([answer], batch(SENTENCE), by="layer", frozen=[], **changes)


def checked(*, own: float = 0.5, random: float = 0.25, quantity: Any = "probability") -> Faithfulness:
    def order(name: Any, drop: float) -> Removed:
        curve = [0.9 - drop * part / 5 for part in range(1, 10)]
        return Removed(order=name, curve=curve, aopc=drop, comprehensiveness=[drop] * 5, sufficiency=[0.1] * 5)

    return Faithfulness(
        quantity=quantity,
        before=0.9,
        words=5,
        masked=[part / 10 for part in range(1, 10)],
        bins=[0.01, 0.05, 0.1, 0.2, 0.5],
        orders=[order("explanation", own), order("occlusion", 0.6), order("random", random)],
        forwards=87,
    )
