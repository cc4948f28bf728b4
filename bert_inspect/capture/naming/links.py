"""Which output each input is, and which step inside a module made what the module returned, by the very tensors."""

from .assemble import Assembled

Link = dict[tuple[int, int], tuple[int, int]]
"""From a step and a place in it to a step and which of its outputs."""


def links(assembled: Assembled) -> tuple[Link, Link]:
    """Return of which step's output each input is, and of each output of a module that contains steps which step inside
    it made it; by ids in the trace of those steps, as far as a step that was kept returned the very tensor.
    """
    received, made = Link(), Link()
    steps, records = assembled.steps, assembled.records
    outputs = [{seen.number: place for place, seen in reversed(list(enumerate(record.outputs)))} for record in records]
    makers: dict[int, list[tuple[int, int]]] = {}
    for at, record in enumerate(records):
        if record.leaf:
            for place, seen in enumerate(record.outputs):
                makers.setdefault(seen.number, []).append((at, place))
    for at, (step, record) in enumerate(zip(steps, records, strict=True)):
        for place, (tensor, seen) in enumerate(zip(step.inputs, record.inputs, strict=True)):
            if tensor.from_ is not None and seen.number in outputs[tensor.from_]:
                received[at, place] = tensor.from_, outputs[tensor.from_][seen.number]
        if record.kind == "module" and not record.leaf:
            for place, seen in enumerate(record.outputs):
                found = makers.get(seen.number, [])
                inside = [each for each in found if at < each[0]] or found[-1:]
                if inside:
                    made[at, place] = inside[0]
    return received, made
