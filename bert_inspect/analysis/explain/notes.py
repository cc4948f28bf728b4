"""What is noted of a run of the frozen network: what the sum is made of, in which order, and how far it is rounded."""

from collections.abc import MutableMapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch.utils.weak import WeakIdKeyDictionary

from ...capture.tracing.tensor_stats import dtype_name
from ...loading.loaded import Loaded
from ...traces.values import UNIT_ROUNDOFF
from ...traces.vocabulary import roles
from .affine import NotAffine
from .parts import Constant, Part

SAFETY = {"float64": 64.0, "float32": 64.0, "float16": 8.0, "bfloat16": 8.0}
"""How many unit roundoffs each number that was computed may be off, by its type: products with a matrix err by more
than one where they are summed in their own type; those of halves are summed in float32.
"""
EMBEDDINGS = (roles.WORD_EMBEDDINGS, roles.POSITION_EMBEDDINGS, roles.TOKEN_TYPE_EMBEDDINGS)


class Notes:
    """What is noted of one run over a batch of so many rows; ``refusal`` says what a constant is that
    depends on the tokens after all.

    Attributes:
        parts: what the sum is made of besides constants.
        constants: every bias that was added.
        frozen: what was held, of what the backward pass came by.
        names: the names of the model's parameters, by their ids.
        layer: the encoder layer that runs, None outside of them.
    """

    def __init__(self, loaded: Loaded, rows: int, *, refusal: str) -> None:
        self.parts: list[Part] = []
        self.constants: list[Constant] = []
        self.frozen: dict[str, None] = {}
        self.names = _names_of(loaded)
        self.layer: int | None = None
        self._loaded, self._rows, self._refusal = loaded, rows, refusal
        self._norms: list[torch.Tensor] = []
        self._orders: MutableMapping[torch.Tensor, int] = WeakIdKeyDictionary()
        self._count = 0
        self._hidden: MutableMapping[torch.Tensor, None] = WeakIdKeyDictionary()

    @property
    def rounding(self) -> torch.Tensor:
        """For each row the sum of the squares of what all that was computed may be off, carried on to its number: of
        `SAFETY` x unit roundoff x activation x gradient (batch).
        """
        norms = torch.stack(self._norms) if self._norms else torch.zeros(1, self._rows)
        return norms.double().square().sum(dim=0).cpu()

    def order(self, tensor: torch.Tensor) -> int:
        """Return the place of a tensor among all of the run."""
        return self._orders[tensor]

    def hide(self, out: torch.Tensor, given: Sequence[Any]) -> None:
        """Note a result that depends on the tokens, though autograd does not know: of ``detach``, or under no_grad."""
        several = (each if isinstance(each, tuple | list) else (each,) for each in given)
        for tensor in chain.from_iterable(several):
            if isinstance(tensor, torch.Tensor) and (tensor.requires_grad or tensor in self._hidden):
                self._hidden[out] = None
                return

    def note(self, out: torch.Tensor) -> int:
        """Return the place of a tensor among all, which is its first."""
        if out not in self._orders:
            self._orders[out] = self._count
            self._count += 1
        return self._orders[out]

    def named(self, parameter: torch.Tensor) -> tuple[str, str]:
        """Return the name of a parameter and the role of its module, empty where it is none."""
        name = self.names.get(id(parameter), "")
        return name, self._loaded.family.role(name.rpartition(".")[0]) if name else ""

    def computed(self, out: torch.Tensor, *, holds: str = "") -> None:
        """Note what was computed, and what was held for it, should the backward pass come by."""
        if not out.requires_grad:
            return
        values, dtype = out.detach(), dtype_name(out.dtype)
        unit = SAFETY.get(dtype, 1.0) * UNIT_ROUNDOFF.get(dtype, 2.0**-3)
        exact = out.dtype if out.dtype is torch.float64 else torch.float32

        def came_by(gradient: torch.Tensor) -> None:
            if holds:
                self.frozen[holds] = None
            self._norms.append(unit * torch.linalg.vector_norm(self._rows_of((gradient * values).to(exact)), dim=1))

        out.register_hook(came_by)  # type: ignore[no-untyped-call]

    def constant(
        self, out: torch.Tensor, added: Any, role: str | None, *, name: str | None = None, times: float = 1
    ) -> None:
        """Note what was added, should the backward pass come by; ``role`` None: that of the parameter that it is."""
        if added is None or not out.requires_grad:
            return
        if isinstance(added, torch.Tensor) and added in self._hidden:
            raise NotAffine(self._refusal)
        if name is None:
            name, own = self.named(added)
            role = own if role is None else role
        amount = torch.as_tensor(added, device=out.device).detach()
        if not name and not bool(amount.any()):
            return  # zeros in place of embeddings that there are not
        constant = Constant(role or "", name, self.layer, self.note(out))
        self.constants.append(constant)

        def came_by(gradient: torch.Tensor) -> None:
            constant.found.append(self._shares(gradient, amount) * times)

        out.register_hook(came_by)  # type: ignore[no-untyped-call]

    def _shares(self, gradient: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        """Return the part of what was added in each row's number (batch), in float64."""
        if amount.dim() == 1:  # a bias, the same for each token
            sums = self._rows_of(gradient).reshape(self._rows, -1, len(amount)).sum(dim=1, dtype=torch.float64)
            return torch.mv(sums, amount.double())
        return self._rows_of(gradient.double() * amount.double()).sum(dim=1)

    def _rows_of(self, entries: torch.Tensor) -> torch.Tensor:
        """Return a tensor's entries by the rows of the batch (batch, entries)."""
        if entries.dim() == 0 or entries.shape[0] % self._rows:
            raise NotAffine(f"a tensor of shape {tuple(entries.shape)}, in which the sentences are not kept apart")
        return entries.reshape(self._rows, -1)


def carries(tensor: Any) -> bool:
    """Whether something is a tensor of the network: it depends on the tokens, and autograd knows."""
    return isinstance(tensor, torch.Tensor) and tensor.requires_grad


def _names_of(loaded: Loaded) -> dict[int, str]:
    """Return the names of parameters by their ids: of a table of embeddings that a decoder shares, that of the table,
    whichever the model has first.
    """
    found: dict[int, str] = {}
    for name, each in loaded.model.named_parameters(remove_duplicate=False):
        if id(each) not in found or loaded.family.role(name.rpartition(".")[0]) in EMBEDDINGS:
            found[id(each)] = name
    return found
