"""Where a step's inputs came from and where its outputs went, each a line to jump along."""

from collections.abc import Iterator

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ...dataflow.neighbours import neighbours
from ...diff.words import where
from ...render.words import DIM, KNOWN, LAYER, NAME, OP, shape
from ...safetext import safe_text
from ...traces.record import Step, TensorIn, Trace


class DataflowTab(OptionList):
    """The neighbours of a step. The id of an option that can be jumped to is ``#`` with the number of its step."""

    def show(self, trace: Trace, step: Step) -> None:
        """Show the neighbours of a step."""
        self.clear_options()
        self._targets: dict[int, int] = {}
        for text, target in lines(trace, step):
            if target is not None:
                self._targets[self.option_count] = target
            self.add_option(Option(text, disabled=target is None))
        self.highlighted = min(self._targets, default=None)

    def target(self, place: int) -> int | None:
        """Return the step that an option jumps to."""
        return self._targets.get(place)


def lines(trace: Trace, step: Step) -> Iterator[tuple[Text, int | None]]:
    """Yield the lines of a step's neighbours, each with the step that it leads to (None: to none)."""
    found = neighbours(trace, step)
    yield Text("came from", LAYER), None
    for each in found.received:
        yield _line("←", each.tensor, _origin(trace, each.tensor, each.step)), each.step
    if not found.received:
        yield Text("  nothing: it received no tensor", DIM), None
    yield Text(), None
    yield _itself(step), None
    yield Text(), None
    yield Text("goes to", LAYER), None
    for use in found.used:
        yield _line("→", use.tensor, _called(trace.steps[use.step])), use.step
    for name in step.known_as:
        yield Text.assemble("  ⇒ ", ("returned by the model as ", DIM), (safe_text(name), KNOWN)), None
    if not found.used and not step.known_as:
        yield Text("  nothing that was recorded", DIM), None


def _line(sign: str, tensor: TensorIn, what: Text) -> Text:
    name = Text(f"  as {safe_text(tensor.name)}", DIM)
    return Text.assemble(f"  {sign} ", what, f"  {shape(tensor.shape)}", name, no_wrap=True, overflow="ellipsis")


def _origin(trace: Trace, tensor: TensorIn, source: int | None) -> Text:
    if source is not None:
        return _called(trace.steps[source])
    if tensor.parameter is not None:
        return Text.assemble(("parameter ", DIM), safe_text(tensor.parameter))
    if tensor.argument is not None:
        return Text.assemble(("given to the model: ", DIM), safe_text(tensor.argument))
    return Text("from outside of what was recorded", DIM)


def _called(step: Step) -> Text:
    kind = OP if step.kind == "op" else DIM
    return Text.assemble((safe_text(where(step)), NAME), ("  " + safe_text(step.type), kind))


def _itself(step: Step) -> Text:
    outputs = ", ".join(shape(tensor.shape) for tensor in step.outputs) or "no tensor"
    return Text.assemble("  ● ", _called(step), f"  {outputs}", no_wrap=True, overflow="ellipsis")
