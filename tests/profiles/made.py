"""Profiles made of arrays: what a small model would have given, with whatever a test plants in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from bert_inspect.profiles.answers import AnswersTotal, BatchAnswers
from bert_inspect.profiles.buckets import SHIFT, SIDE
from bert_inspect.profiles.coverage import Block, Coverage
from bert_inspect.profiles.examples import Candidates, example
from bert_inspect.profiles.heads import QUANTITIES, BatchHeads, HeadsTotal
from bert_inspect.profiles.record import Corpus, Numbers, OutputProfile, Profile, StepProfile
from bert_inspect.profiles.tensor_totals import BatchDimensions, BatchNumbers, NumbersTotal
from bert_inspect.profiles.total import BatchTotals, Total
from bert_inspect.traces.record import Environment, Model, Sizes

Floats = NDArray[np.float64]
LAYERS, TOKENS, HIDDEN, UNITS, HEADS = 3, 500, 48, 64, 4
SENTENCES = ["I love cats!", "He hates pineapple pizza.", "<script>alert(1)</script> \u202eabc", "日本語のテキスト 🐈"]


class Answer(NamedTuple):
    """One answer of a model, and the class that the corpus gives."""

    index: int
    probability: float
    label: int | None = None


def _batch_of(answers: Sequence[Answer]) -> BatchAnswers:
    return BatchAnswers(
        indices=np.array([answer.index for answer in answers], dtype=np.int64),
        probabilities=np.array([answer.probability for answer in answers], dtype=np.float64),
        labels=[answer.label for answer in answers],
    )


def numbers_of(values: Any) -> BatchNumbers:
    """The numbers of one batch, as a model's tensors are totalled."""
    flat = np.asarray(values, dtype=np.float32).ravel()
    finite = flat[np.isfinite(flat)]
    sizes = np.zeros((2, SIDE), dtype=np.int64)
    for sign, side in enumerate((finite[finite < 0], finite[finite > 0])):
        sizes[sign] = np.bincount(np.abs(side).view(np.uint32) >> SHIFT, minlength=SIDE)[:SIDE]
    exact = finite.astype(np.float64)
    return BatchNumbers(
        count=flat.size,
        nan=int(np.isnan(flat).sum()),
        inf=int(np.isinf(flat).sum()),
        zeros=int((finite == 0).sum()),
        low=float(finite.min()) if finite.size else np.inf,
        high=float(finite.max()) if finite.size else -np.inf,
        total=float(exact.sum()),
        squares=float((exact**2).sum()),
        sizes=sizes,
    )


def record_of(values: Any) -> Numbers:
    """The record of numbers that came in one batch."""
    total = NumbersTotal()
    total.add(numbers_of(values))
    return total.record()


def dimensions_of(values: Any, *, examples: int = 0) -> BatchDimensions:
    """The numbers of one batch (tokens, dimensions) by dimension."""
    exact = np.asarray(values, dtype=np.float32).astype(np.float64)
    return BatchDimensions(
        count=len(exact),
        low=exact.min(axis=0),
        high=exact.max(axis=0),
        zeros=(exact == 0).sum(axis=0),
        total=exact.sum(axis=0),
        squares=(exact**2).sum(axis=0),
        candidates=_candidates(exact, examples) if examples else None,
    )


def _candidates(values: Floats, count: int) -> Candidates:
    order = np.argsort(-values, axis=0)[:count].T

    def told(sentence: int) -> Any:
        text = SENTENCES[sentence % len(SENTENCES)]
        starts = range(len(text) - 3)
        return lambda value, place: example(
            value, sentence, place, text=text, span=(place % len(starts), place % len(starts) + 3)
        )

    return Candidates(
        units=np.arange(values.shape[1]),
        values=np.take_along_axis(values, order.T, axis=0).T,
        sentences=order // 10,
        places=order % 10,
        told=told,
    )


@dataclass(kw_only=True)
class Made:
    """What a small model gives over a corpus, drawn at random; change what you like before `profile` totals it.

    ``hidden`` (hidden states, tokens, hidden), ``units`` (layers, tokens, units), ``heads`` by quantity (layers,
    heads). ``more`` are steps besides, each with its label and its numbers; ``answers`` are between two classes.
    """

    seed: int = 0
    layers: int = LAYERS
    width: int = HIDDEN
    count: int = TOKENS
    weights: str = "pretrained"
    examples: int = 0
    more: dict[str, Floats] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    heads: dict[str, Floats] = field(init=False)

    def __post_init__(self) -> None:
        drawn = np.random.default_rng(self.seed)
        offsets = drawn.normal(size=(self.layers + 1, 1, self.width))
        self.hidden = offsets + drawn.normal(size=(self.layers + 1, self.count, self.width))
        self.units = drawn.normal(size=(self.layers, self.count, UNITS))
        shares = drawn.dirichlet(np.full(8, 4.0), size=(self.layers, HEADS))
        self.heads = {name: shares[..., place] for place, name in enumerate(QUANTITIES)}
        self.heads["entropy"] = drawn.uniform(1, 3, size=(self.layers, HEADS))
        self.heads["padding"] = np.zeros((self.layers, HEADS))

    def profile(self, *, sentences: int = 50) -> Profile:
        """Return the profile, of one batch in one block."""
        places = [(step, numbers, axes) for step, (numbers, axes) in enumerate(self._tensors().values())]
        total = Total(
            frame=self._frame(),
            coverage=Coverage(),
            answers=AnswersTotal("sentences", ["negative", "positive"]) if self.answers else None,
            heads=[HeadsTotal(layer, f"encoder.layer.{layer}.attention.self", HEADS) for layer in range(self.layers)],
        )
        by_dimension = [
            (step, numbers) for step, numbers, axes in places if axes and axes[-1] in ("hidden", "intermediate")
        ]
        total.add(
            BatchTotals(
                numbers={(step, 0): numbers_of(numbers) for step, numbers, _ in places},
                dimensions={
                    (step, 0): dimensions_of(numbers, examples=self.examples) for step, numbers in by_dimension
                },
                heads={
                    layer: BatchHeads(
                        count=self.count, totals={name: self.heads[name][layer] * self.count for name in QUANTITIES}
                    )
                    for layer in range(self.layers)
                },
                answers=_batch_of(self.answers),
            )
        )
        total.done(0, Block(digest="0123456789abcdef", sentences=sentences, tokens=self.count, cut=0))
        return total.record()

    def nothing(self) -> Profile:
        """Return the profile of a shard that has no sentence."""
        whole = Total.read(self.profile())
        heads = [HeadsTotal(each.layer, each.path, each.size) for each in whole.heads]
        return Total(frame=whole.frame, coverage=Coverage(), answers=None, heads=heads).record()

    def _tensors(self) -> Mapping[str, tuple[Floats, list[str] | None]]:
        found: dict[str, tuple[Floats, list[str] | None]] = {}
        for layer in range(self.layers + 1):
            if layer:
                found[f"units {layer - 1}"] = self.units[layer - 1], ["batch", "tokens", "intermediate"]
            found[f"hidden {layer}"] = self.hidden[layer], ["batch", "tokens", "hidden"]
        for label, numbers in self.more.items():
            found[label] = numbers, None
        return found

    def _frame(self) -> Profile:
        steps = []
        for number, (name, (_, axes)) in enumerate(self._tensors().items()):
            what, _, at = name.partition(" ")
            layer, known, label = None, [], name
            if what == "hidden":
                layer = int(at) - 1 if int(at) else None
                known, label = [f"hidden_states[{at}]"], "layer norm"
            elif what == "units":
                layer, label = int(at), "gelu activation"
            path = "embeddings" if layer is None else f"encoder.layer.{layer}"
            steps.append(
                StepProfile(
                    id=number,
                    kind="module",
                    path=path if what in ("hidden", "units") else f"extra.{number}",
                    call=0,
                    type={"hidden": "LayerNorm", "units": "GELUActivation"}.get(what, "Linear"),
                    label=label,
                    layer=layer,
                    outputs=[OutputProfile(name="output", axes=axes, dtype="float32", known_as=known)],  # type: ignore[arg-type]
                )
            )
        twin = structs.replace(steps[0], id=len(steps), type="Dropout", label="dropout", path="embeddings.dropout")
        same = structs.replace(twin.outputs[0], known_as=[], same_as=(0, 0))
        return Profile(
            format="bert-inspect-profile",
            version=1,
            environment=Environment(bert_inspect="0", python="3", torch="2", transformers="5"),
            model=Model(
                name="made",
                class_="BertForSequenceClassification",
                source="folder",
                weights=self.weights,  # type: ignore[arg-type]
                initialised=[],
                attention="eager",
                dtype="float32",
                device="cpu",
                seed=0,
                parameters=1000,
                config={},
                family="bert",
                task="text-classification",
                sizes=Sizes(layers=self.layers, hidden=self.width, heads=HEADS, intermediate=UNITS),
            ),
            weights="0" * 64,
            input=Corpus(
                files=["sentences.txt"],
                blocks=1,
                lines_per_block=256,
                batch_size=16,
                max_length=None,
                truncate=False,
                done=[],
                digests=[],
                sentences=0,
                tokens=0,
                cut=0,
            ),
            examples=self.examples,
            steps=[*steps, structs.replace(twin, outputs=[same])],
            heads=[],
        )
