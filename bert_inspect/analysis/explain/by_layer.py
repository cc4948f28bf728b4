"""What the head would answer from each hidden state: it, and the pooler, applied there as they are to the last one.

The head was trained for the last hidden state alone; what it says of earlier ones is a picture of how the answer grows,
no answer of the model's (nostalgebraist, "interpreting GPT: the logit lens", 2020, is the same for a language model).
"""

from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any

import torch
from torch import nn

from ...capture.model_inputs import model_inputs
from ...capture.outputs.returned import returned_tensors
from ...capture.tracing.hooks import Attachment, Forward, exclusively
from ...capture.undisturbed import undisturbed, without_gradients
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import classification_place
from ...traces.values import strict
from ...traces.vocabulary import roles
from .explanation import Answer, LayerAnswer
from .frozen_run import run_forward
from .target import quantities
from .wanted import Wanted


def by_layer(loaded: Loaded, batch: Input, wanted: Wanted) -> list[Answer]:
    """Return each explained number as the head gives it from every hidden state; from the last one it is the model's.

    Raises:
        UsageError: the number that was asked for is not there, or the model has no layers to read between.
    """
    if not loaded.layers:
        raise UsageError("this model has no layers", 'explain it `by="token"`')
    if loaded.layers == 1 and loaded.module(roles.CONVOLUTION_LAYER) is not None:
        raise UsageError(
            "this model's convolution stands above its only layer, so no head can be put before it",
            'explain it `by="token"`',
        )
    inputs = model_inputs(loaded, batch, labels=False)
    model, family = loaded.model, loaded.family
    layers = [module for path, module in model.named_modules() if family.role(path) == roles.LAYER]

    def run(by: "_Recorded | _Skipped") -> dict[str, torch.Tensor]:
        attachment = Attachment()
        try:
            attachment.attach(_Layers(by.run), layers)
            return returned_tensors(loaded.head, run_forward(model, inputs))
        finally:
            attachment.detach()

    with exclusively(model), undisturbed(model), without_gradients(model):
        recorded = _Recorded()
        own = run(recorded)
        found = quantities(loaded, batch, own, wanted)
        from_states = [run(_Skipped(recorded.returned, state)) for state in recorded.states]
        first_alone = torch.zeros_like(recorded.states[0])
        first_alone[..., :1, :] = recorded.states[0][..., :1, :]
        from_first = run(_Skipped(recorded.returned, first_alone))
    return [
        Answer(
            sentence=quantity.row,
            target=quantity.target,
            layers=[
                LayerAnswer(
                    layer=layer,
                    value=strict(float(quantity.of(returned).double())),
                    answer=quantity.answer(returned),
                    probability=None if (share := quantity.probability(returned)) is None else strict(share),
                )
                for layer, returned in enumerate(from_states)
            ],
            constant_at_0=classification_place(batch, quantity.row) == 0
            and torch.equal(quantity.of(from_states[0]), quantity.of(from_first)),
        )
        for quantity in found
    ]


class _Layers:
    """Runs the layers of a model in place of torch, in this thread: each call by ``run``, which is given the layer's
    own forward and its arguments.
    """

    def __init__(self, run: Callable[[Forward, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        self._run, self._thread = run, get_ident()

    def around(self, module: nn.Module, forward: Forward) -> Forward:
        """Return what is called in place of a layer's forward."""

        def instead(*args: Any, **kwargs: Any) -> Any:
            return self._run(forward, args, kwargs) if get_ident() == self._thread else forward(*args, **kwargs)

        return instead

    def around_hooked(self, module: nn.Module, forward: Forward, call: Forward) -> tuple[Forward, Forward]:
        """Return what is called in place of a layer's forward, and of the call that runs others' hooks around it."""
        return self.around(module, forward), call


class _Recorded:
    """Runs them as they are, and notes what each received and returned: ``states`` are the hidden states."""

    def __init__(self) -> None:
        self._received: list[torch.Tensor] = []
        self.returned: list[Any] = []

    @property
    def states(self) -> list[torch.Tensor]:
        return [*self._received, _state(self.returned[-1])] if self.returned else []

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        returned = forward(*args, **kwargs)
        self._received.append(_given(args, kwargs))
        self.returned.append(returned)
        return returned


class _Skipped:
    """Runs none of them: each hands on what it received, and the last one hands on a state."""

    def __init__(self, returned: Sequence[Any], state: torch.Tensor) -> None:
        self._returned, self._state, self._call = returned, state, 0

    def run(self, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        returned = self._returned[self._call]
        self._call += 1
        state = self._state if self._call == len(self._returned) else _given(args, kwargs)
        return state if isinstance(returned, torch.Tensor) else type(returned)((state, *returned[1:]))


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """Return the hidden states (batch, tokens, hidden) that a layer was given."""
    found: torch.Tensor = args[0] if args else kwargs["hidden_states"]
    return found


def _state(returned: Any) -> torch.Tensor:
    found: torch.Tensor = returned if isinstance(returned, torch.Tensor) else returned[0]
    return found
