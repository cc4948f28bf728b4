"""What is shown of a profile."""

from dataclasses import dataclass, field

from ...profiles.tensors import Tensor
from ...traces.selection import Wanted


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown of a profile: with ``all`` the range of every step, not those alone of which int8 loses most; where
    ``narrowed``, the ranges of the ``wanted`` steps and nothing else.
    """

    all: bool = False
    narrowed: bool = False
    wanted: Wanted = field(default_factory=Wanted)

    def wants(self, held: Tensor) -> bool:
        """Whether a tensor is wanted."""
        if self.wanted.level == "module" and held.step.kind != "module":
            return False
        return self.wanted.wants(held.step.path, held.step.layer)
