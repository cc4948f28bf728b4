"""Which tensors of a run are told by dimension: the hidden states, and what an edit can put a mean in the place of."""

from collections.abc import Iterator

from ...capture.editing.layout import Layout
from ...capture.editing.survey import Survey
from ...capture.editing.targets import Target, received, targets
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Kind
from ...traces.vocabulary import axes, known_as

_KINDS: tuple[Kind, ...] = ("layer", "head", "neuron")


def layouts(loaded: Loaded, seen: Survey) -> dict[int, Layout]:
    """Return, by the numbers of the tensors, how their heads, neurons or hidden states lie: of the context of the
    heads, the activations of the neurons, and all hidden states.
    """
    places = {place: number for number, place in enumerate(seen.places)}
    found: dict[int, Layout] = {}
    for number, names in seen.found.known_as.items():
        hidden = any(name.startswith(f"{known_as.HIDDEN_STATES}[") for name in names)
        if hidden and seen.found.names.axes.get(number) == axes.HIDDEN:
            found[number] = Layout(axes=tuple(axes.HIDDEN))
    for target in _edited(loaded, seen):
        step = seen.steps[places[target.place]]
        found[step.outputs[target.output].number] = target.layout
    return found


def _edited(loaded: Loaded, seen: Survey) -> Iterator[Target]:
    for layer in range(loaded.layers):
        for kind in _KINDS:
            try:
                yield from targets(loaded, seen, kind, layer)
            except UsageError:  # computed in a way that is not known: no edit can be made there either
                continue
    try:
        yield received(seen, 0)
    except UsageError:
        return
