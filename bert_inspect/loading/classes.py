"""The classes of transformers that are traced: a family with one of its heads."""

import sys
from importlib import import_module
from typing import Any

from ..errors import UsageError
from ..families import FAMILIES, Family
from ..families.heads import Head


def class_of(family: Family, head: Head) -> Any:
    """Return the class of transformers that puts a head on a body of the family."""
    return getattr(import_module(family.modeling), family.prefix + head.suffix)


def config_class_of(family: Family) -> Any:
    """Return the class of the family's configurations."""
    return getattr(import_module(family.modeling.replace(".modeling_", ".configuration_")), f"{family.prefix}Config")


def check_attention(family: Family, implementation: str) -> None:
    """Refuse an implementation of attention that transformers does not have for a family.

    Raises:
        UsageError: says which there are.
    """
    if implementation not in family.attentions:
        raise UsageError(
            f"transformers has no {implementation} attention for {family.name}",
            f"leave it out, or ask for {' or '.join(family.attentions)}",
        )


def is_known(model: Any) -> bool:
    """Whether a model is of one of these classes, or of one that inherits from it and is configured as it is."""
    family = FAMILIES.get(getattr(getattr(model, "config", None), "model_type", ""))
    module = None if family is None else sys.modules.get(family.modeling)  # a model of it is there: it is imported
    if family is None or module is None:
        return False
    return isinstance(model, tuple(getattr(module, family.prefix + head.suffix) for head in family.heads))


def taken() -> str:
    """Return what is taken, in words."""
    names = ", ".join(family.name for family in FAMILIES.values())
    return f"a model of {names} as transformers has it, with a head or without"
