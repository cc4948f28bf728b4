"""Runs one sentence many times at once, each time with one activation of another sentence put in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from ...capture.editing.change import Change
from ...capture.editing.keep import activations
from ...capture.editing.plan import changed
from ...capture.editing.run import run_edited
from ...capture.editing.survey import Survey, survey
from ...capture.editing.targets import Target, received, targets
from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.editing import EditedStep, Place
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import real_places
from .handed import Handed
from .patch_asked import PatchEach


@dataclass(frozen=True, kw_only=True)
class Patch:
    """What is put in, in one run.

    Attributes:
        each: which kind of activations.
        layer: the layer that it lies in, or that returns it; None: the hidden states before the first layer.
        number: the head; None: all units of the layer.
        tokens: the places of the tokens; none: all that are not padding.
    """

    each: PatchEach
    layer: int | None
    number: int | None = None
    tokens: tuple[int, ...] = ()

    @property
    def place(self) -> str:
        """Where it is put in: ``hidden_states[4].token.2``, ``layer.3.head.7``, ``layer.3.attention``."""
        if self.each == "layer-token":
            of_tokens = "".join(f".token.{place}" for place in self.tokens)
            return f"hidden_states[{0 if self.layer is None else self.layer + 1}]{of_tokens}"
        return f"layer.{self.layer}.{self.each}" + ("" if self.number is None else f".{self.number}")


def patches(loaded: Loaded, batch: Input, each: PatchEach) -> list[Patch]:
    """Return every patch of a kind, from the first layer to the last."""
    layers = range(loaded.layers)
    if each == "layer-token":
        return [
            Patch(each=each, layer=layer, tokens=(at,)) for layer in (None, *layers) for at in real_places(batch, 0)
        ]
    if each == "head":
        return [Patch(each=each, layer=layer, number=head) for layer in layers for head in range(loaded.sizes["heads"])]
    return [Patch(each=each, layer=layer) for layer in layers]


@dataclass
class PatchSweep:
    """Patches of one sentence by another of the same pattern.

    The layers below the first one that is patched give what they gave without patches: they do not run again.

    Attributes:
        loaded: the model.
        own: the sentence that is run, alone.
        other: the one that activations are taken from, alone; its tokens stand in the same places.
        each: what is put in.
        at_once: about how many tokens run in one forward.

    Raises:
        UsageError: the model computes that in a way that is not known.
        BertInspectError: its own forward fails.
    """

    loaded: Loaded
    own: Input
    other: Input
    each: PatchEach
    at_once: int
    _there: dict[int | None, Target] = field(default_factory=dict)
    _values: dict[int | None, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        loaded, seen = self.loaded, survey(self.loaded, self.other)
        if self.each == "layer-token":
            self._there[None] = received(seen, 0)
        for layer in range(loaded.layers):
            target, *more = self._targets(seen, layer)
            if more or not target.sees(1, len(self.own.tokens[0])):
                raise UsageError(
                    f"layer {layer} cannot be patched: the model computes this for a part of the tokens at a time",
                    "set config.chunk_size_feed_forward to 0",
                )
            self._there[layer] = target
        found, _ = activations(loaded, self.other, list(self._there.values()))
        self._values = dict(zip(self._there, found, strict=True))
        self._handed = Handed(loaded, self.own, seen)

    def _targets(self, seen: Survey, layer: int) -> list[Target]:
        if self.each != "layer-token":
            return targets(self.loaded, seen, self.each, layer)
        if layer + 1 < self.loaded.layers:  # what goes on from there: some models put a convolution behind a layer
            return [received(seen, layer + 1)]
        return targets(self.loaded, seen, "layer", layer)

    def run(self, some: Sequence[Patch]) -> Iterator[tuple[Patch, Mapping[str, Tensor], int]]:
        """Yield each patch with what the model returned, and the row of that in which it is told."""
        inputs = model_inputs(self.loaded, self.own, labels=False)
        size = max(self.at_once // len(self.own.tokens[0]), 1)
        for start in range(0, len(some), size):
            part = some[start : start + size]
            repeated = {name: tensor.repeat(len(part), *[1] * (tensor.dim() - 1)) for name, tensor in inputs.items()}
            output = run_edited(self.loaded, self.own, self._steps(part), inputs=repeated)
            returned = returned_tensors(self.loaded.head, output)
            yield from ((patch, returned, at) for at, patch in enumerate(part))

    def _steps(self, part: Sequence[Patch]) -> dict[Place, EditedStep]:
        real = tuple(real_places(self.own, 0))
        made: dict[int | None, list[Change]] = {}
        for row, patch in enumerate(part):
            values, tokens = self._values[patch.layer], patch.tokens or real
            units = tuple(range(values.shape[2])) if patch.number is None else (patch.number,)
            put = values[:, list(tokens)][:, :, list(units)]
            change = Change(how="given", rows=(row,), tokens=tokens, units=units, values=put)
            made.setdefault(patch.layer, []).append(change)
        steps = {
            self._there[layer].place: changed(self._there[layer], changes, self.own) for layer, changes in made.items()
        }
        first = min(-1 if layer is None else layer for layer in made)
        return {**self._handed.below(max(first, 0), len(part)), **steps}
