"""Makes edits while a model runs: knows where in it the forward is, and which tensors go on changed from there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from ...errors import BertInspectError
from .arguments import mapped, op_name, tensors_in

Call = tuple[tuple[str, int], ...]
"""A call of a module: its path and how many calls of it there were before, inside the call around it; and the same of
every call around it, from the outermost. What runs in one call shifts no other's place: a layer that is removed, say,
whose modules another layer shares.
"""
Place = tuple[Call, tuple[str, int] | None]
"""A step: an op by the call in whose forward it runs, its name, and how many of that name ran there before; None: the
call itself. Other ops may run or not, such as that which adds a mask where there is padding.
"""


class Edit(Protocol):
    """What becomes of a tensor that a step returned."""

    def changed(self, tensor: Tensor, received: Tensor | None) -> Tensor:
        """Return the tensor that goes on in its place: another one, as somebody else may hold that. ``received`` is
        what the step received, where `EditedStep.received` names it.
        """


@dataclass(frozen=True, kw_only=True)
class EditedStep:
    """What is done to a step.

    Attributes:
        edit: what becomes of its output; None: the step does not run, and hands on what it received.
        output: which of the tensors that it returns.
        received: which of those that it receives is handed on, or held beside the output.
        returns: what a step that does not run returns, with something else in the place of its one tensor.
        handed: what a step that does not run hands on where that is not what it received.
    """

    edit: Edit | None
    output: int = 0
    received: int | None = None
    returns: Any = None
    handed: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Unedited:
    """What a step returned ``before`` it was edited (None: it did not run), and what it ``received`` of which the edit
    makes use.
    """

    step: EditedStep
    before: Tensor | None
    received: Tensor | None = None


@dataclass
class _Running:
    """A call that runs."""

    module: nn.Module
    call: Call
    ops: dict[str, int] = field(default_factory=dict)
    inside: dict[nn.Module, int] = field(default_factory=dict)
    edited: EditedStep | None = None
    received: Tensor | None = None


class Editing:
    """One run with edits. ``seen`` gathers what the calls of the modules in ``watched`` returned, with the refs of
    tensors in their place.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        steps: Mapping[Place, EditedStep],
        *,
        watched: Sequence[nn.Module] = (),
        told: Callable[[Tensor, Tensor], None] | None = None,
    ) -> None:
        self.seen: dict[Call, Any] = {}
        self._paths = {module: path for path, module in modules.items()}
        self._steps = steps
        self._watched = {*watched}
        self._told = told
        self._left = {*steps}
        self._running: list[_Running] = []

    # Calls

    def entered(self, module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """A module was called, with these arguments."""
        around = self._running[-1] if self._running else None
        number = 0
        if around is not None:
            number = around.inside.get(module, 0)
            around.inside[module] = number + 1
        call = (*(() if around is None else around.call), (self._paths[module], number))
        running = _Running(module, call, edited=self._steps.get((call, None)))
        if running.edited is not None and running.edited.received is not None:
            running.received = _tensors(args, kwargs)[running.edited.received]
        self._running.append(running)

    @property
    def removed(self) -> bool:
        """Whether the module that was called last does not run."""
        running = self._running[-1]
        return running.edited is not None and running.edited.edit is None

    def handed_on(self) -> Any:
        """Return what the module that does not run returns."""
        running = self._running[-1]
        assert running.edited is not None
        goes_on = running.received if running.edited.handed is None else running.edited.handed
        return mapped(running.edited.returns, lambda _: goes_on)

    def returned(self, output: Any, *, changes: bool = False) -> tuple[Any, Unedited | None]:
        """The module that was called last returned something: return what goes on, and what was done to it. ``changes``
        says that it works in place.

        Raises:
            BertInspectError: it does, so that its result is in other hands already.
        """
        running = self._running[-1]
        edited = running.edited
        if edited is None:
            return output, None
        self._left.discard((running.call, None))
        if edited.edit is None:
            return output, Unedited(step=edited, before=None, received=running.received)
        if changes:
            raise _in_place(running)
        tensors = [tensor for _, tensor in tensors_in(output, "")]
        before, places = tensors[edited.output], iter(range(len(tensors)))
        after = self._changed(edited.edit, before, running.received)
        goes_on = mapped(output, lambda tensor: after if next(places) == edited.output else tensor)
        return goes_on, Unedited(step=edited, before=before, received=running.received)

    def left(self, module: nn.Module, output: Any = None) -> None:
        """The module's call is over; it returned this, with the refs of tensors in their place."""
        running = self._running.pop()
        while running.module is not module:  # one that raised, and somebody caught that
            running = self._running.pop()
        if module in self._watched:
            self.seen[running.call] = output

    # Ops

    def op_returned(self, func: Any, out: Tensor, *, changes: bool) -> tuple[Tensor, Unedited | None]:
        """An op returned a tensor: return what goes on, and what was done to it. ``changes`` says that it works in
        place.

        Raises:
            BertInspectError: it does, so that its result is in other hands already.
        """
        if not self._running:
            return out, None
        running, name = self._running[-1], op_name(func)
        place = (running.call, (name, running.ops.get(name, 0)))
        edited = self._steps.get(place)
        if edited is None or edited.edit is None:
            return out, None
        if changes:
            raise _in_place(running)
        self._left.discard(place)
        return self._changed(edited.edit, out, None), Unedited(step=edited, before=out)

    def op_ran(self, func: Any) -> None:
        """An op ran, or failed."""
        if self._running:
            name, ops = op_name(func), self._running[-1].ops
            ops[name] = ops.get(name, 0) + 1

    def _changed(self, edit: Edit, before: Tensor, received: Tensor | None) -> Tensor:
        after = edit.changed(before, received)
        if self._told is not None:
            self._told(before, after)
        return after

    def check_done(self) -> None:
        """Hold that every edit was made.

        Raises:
            BertInspectError: a step that was to be edited did not run where it ran before.
        """
        if self._left:
            (call, _) = sorted(self._left, key=repr)[0]
            raise BertInspectError(
                f"an edit was not made: {call[-1][0] or 'the model'} ran otherwise than in the run before",
                "bert-inspect doctor asks whether the model is random",
            )


def _in_place(running: _Running) -> BertInspectError:
    return BertInspectError(
        f"{running.call[-1][0]} works in place, so what it computes there cannot be edited",
        "edit the whole layer: layer.3",
    )


def _tensors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors that a module was given, in the order in which they are recorded."""
    return [tensor for value in (*args, *kwargs.values()) for _, tensor in tensors_in(value, "")]
