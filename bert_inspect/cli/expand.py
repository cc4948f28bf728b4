"""Groups of options: a command declares one parameter for many, and the command line sees each of them."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_args, get_origin, get_type_hints


class Only:
    """Marks a group of which a command offers these options alone; the others keep their defaults."""

    def __init__(self, *names: str) -> None:
        self.names = names


class Without:
    """Marks a group of which a command offers all options but these, which keep their defaults."""

    def __init__(self, *names: str) -> None:
        self.names = names


@dataclass(frozen=True, kw_only=True)
class _Group:
    cls: Any
    parameters: list[inspect.Parameter]

    def take(self, given: dict[str, Any]) -> Any:
        """Take the group's values out of what was given, and return the group with them."""
        return self.cls(**{parameter.name: given.pop(parameter.name) for parameter in self.parameters})


def expanded(command: Callable[..., int]) -> Callable[..., int]:
    """Replace each parameter of a command that is annotated with a dataclass by the fields of that dataclass.

    The fields' annotations and defaults become those of keyword-only parameters in the same place: that is what Typer
    reads. A dataclass may name the ``panel`` of the help that its options are shown in. When the command is called, the
    dataclasses are built from the options.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, _Group] = {}
    for parameter in inspect.signature(command).parameters.values():
        group = _group(parameter.annotation)
        if group is None:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        else:
            groups[parameter.name] = group
            parameters += group.parameters

    @wraps(command)
    def run(**given: Any) -> int:
        return command(**{name: group.take(given) for name, group in groups.items()}, **given)

    # Two options of one name are refused by Signature itself.
    run.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _group(annotation: Any) -> _Group | None:
    """Return the group that an annotation stands for, None if it is that of a plain parameter."""
    cls, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if not is_dataclass(cls):
        return None
    hints = get_type_hints(cls, include_extras=True)
    empty = inspect.Parameter.empty
    defaults = {field.name: empty if field.default is MISSING else field.default for field in fields(cls)}
    names = list(defaults)
    for mark in marks:
        if unknown := set(mark.names) - defaults.keys():
            raise TypeError(f"{cls} has no field {', '.join(sorted(unknown))}")
        names = [name for name in names if (name in mark.names) == isinstance(mark, Only)]
    kind = inspect.Parameter.KEYWORD_ONLY
    panel: str | None = getattr(cls, "panel", None)
    return _Group(
        cls=cls,
        parameters=[
            inspect.Parameter(name, kind, default=defaults[name], annotation=_in_panel(hints[name], panel))
            for name in names
        ],
    )


def _in_panel(annotation: Any, panel: str | None) -> Any:
    """Return the annotation of an option with the panel of the help that its group is shown in, if it names none."""
    if panel is None or get_origin(annotation) is not Annotated:
        return annotation
    kind, info, *rest = get_args(annotation)
    if getattr(info, "rich_help_panel", None) is None:
        info = copy.copy(info)
        info.rich_help_panel = panel
    return Annotated[(kind, info, *rest)]
