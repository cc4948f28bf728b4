"""A trace of the first release, which says neither family nor roles, is read as if it did."""

import json

from msgspec import structs

from bert_inspect import Trace
from bert_inspect.traces.record import Sizes


def test_what_an_old_trace_does_not_say_is_filled_in(traced: Trace) -> None:
    exported = json.loads(b"".join(traced.json()))
    for key in ("family", "task", "sizes"):
        del exported["model"][key]
    for step in exported["steps"]:
        step.pop("role", None)
        step.pop("part", None)
    assert Trace.from_json(json.dumps(exported).encode()) == traced


def test_what_is_made_up_by_hand_is_left_alone(traced: Trace) -> None:
    unknown = structs.replace(traced, model=structs.replace(traced.model, family="unheard of", sizes=Sizes()))
    again = Trace.from_json(b"".join(unknown.json()))
    assert again.model.family == "unheard of" and again.model.sizes == Sizes()
