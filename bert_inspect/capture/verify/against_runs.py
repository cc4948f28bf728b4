"""Holds what was recorded of a run against what its replay saw, and against runs of the model by itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from ...traces.proof import CheckName
from ...traces.tree import completion
from ..naming.assemble import Assembled, Named
from ..tracing.step_record import StepRecord
from .checks import digest
from .constants import Constants
from .replay import Replay


def check_named(replay: Replay, output: Any, found: Named) -> None:
    """Hold the tensors that bear a name of transformers' against those that it returns under that name; of an edited
    run those that were made before the first edit.
    """
    numbers = {name: number for number, names in found.known_as.items() for name in names}
    records: dict[int, StepRecord] = {}
    for record in completion(found.recording.steps):
        for seen in record.outputs:
            records.setdefault(seen.number, record)
    kinds: tuple[tuple[CheckName, str], ...] = (("hidden states", "hidden_states"), ("attentions", "attentions"))
    for check, key in kinds:
        for place, tensor in enumerate(getattr(output, key, None) or ()):
            number = numbers.get(f"{key}[{place}]")
            if replay.first_edited < math.inf and not _is_before(replay.first_edited, number, f"{key}[{place}]", found):
                continue
            where = None if number is None else records.get(number)
            same = number is not None and replay.digests.get(number) == digest(tensor)
            replay.count(check, where, f"it differs from the {key}[{place}] that the model returns", holds=same)


def _is_before(first_edited: float, number: int | None, name: str, found: Named) -> bool:
    """Whether a tensor was made before the first edit, and under this name: a removed layer hands it on, and it bears
    that layer's name too.
    """
    if number is None or number >= first_edited:
        return False
    return next(each for each in found.known_as[number] if each.startswith(name.partition("[")[0])) == name


def check_calls(
    replay: Replay,
    calls: Mapping[nn.Module, int],
    found: Named,
    not_called: Sequence[str],
    modules: Mapping[str, nn.Module],
) -> None:
    """Check that every module was called as often as an independent count says; those inside of a layer that an edit
    removed are not.
    """
    never = set(not_called)
    inside = tuple(f"{record.path}." for record in found.recording.steps if record.edited and record.no_op)
    for path, module in modules.items():
        if path.startswith(inside):  # of a layer that an edit removed
            continue
        expected, recorded = calls.get(module, 0), found.recording.calls.get(module, 0)
        holds = expected == recorded and (path in never) == (expected == 0)
        replay.count(
            "calls", None, f"{path or 'the model'} is called {expected} times, recorded {recorded} times", holds=holds
        )


def check_constants(replay: Replay, constants: Constants) -> None:
    """Check that the numbers that steps were given from outside are the same on other inputs."""
    for step in constants.with_numbers:
        fault = constants.fault_of_numbers(step)
        replay.count("constants", step, fault or "", holds=fault is None)


def check_origins(replay: Replay, found: Named, assembled: Assembled, constants: Constants) -> None:
    """Check that every tensor was made by a step that was run again, or was there before; and that ``from`` names it.

    That a tensor holds, wherever it is seen, the bits that it was made with, the replay has checked already.
    """
    seen_in = sum(len(record.inputs) + len(record.outputs) for record in found.recording.steps)
    replay.tally("origins").checked += seen_in - len(constants.with_tensors)
    replay.tally("origins").exact += seen_in - len(constants.with_tensors)
    for record, seen in constants.with_tensors:
        holds = constants.is_constant(record, seen)
        replay.count("origins", record, f"{seen.name} was made by something that was not recorded", holds=holds)
    returned = [{seen.number for seen in (*record.outputs, *record.also_changed)} for record in assembled.records]
    for step, record in zip(assembled.steps, assembled.records, strict=True):
        for tensor, seen in zip(step.inputs, record.inputs, strict=True):
            holds = tensor.from_ is None or seen.number in returned[tensor.from_]
            replay.count("origins", record, f"{tensor.name} does not come from step {tensor.from_}", holds=holds)
