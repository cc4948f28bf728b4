"""From edits as people write them to what is done to which step of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...profiles.profile_file import load_profile
from ...traces.edited_input import Spare, edited_input
from ...traces.edits import Edit, check_edits
from ...traces.record import Input
from ..tracing.editing import EditedStep, Editing, Place
from .change import Change, ChangedTensor
from .corpus_means import means_of_corpus
from .resample import resampled
from .survey import survey
from .targets import Target, only_hidden_states, targets


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is edited in a run.

    Attributes:
        edits: as they were asked for.
        steps: what is done to which step.
    """

    edits: tuple[Edit, ...] = ()
    steps: Mapping[Place, EditedStep]

    def editing(self, modules: Mapping[str, nn.Module]) -> Editing | None:
        """Return what makes the edits in one run of a model, given by its modules; None where none is made in it."""
        return Editing(modules, self.steps) if self.steps else None


def with_edited_tokens(loaded: Loaded, batch: Input, edits: Sequence[Edit]) -> Input:
    """Return a batch with the tokens edited that are to be.

    Raises:
        UsageError: there is no such token, or nothing to put in its place.
    """
    if all(edit.kind != "token" for edit in edits):
        return batch
    tokenizer = loaded.tokenizer
    return edited_input(
        batch,
        edits,
        Spare(
            mask=token_of(tokenizer, "mask"),
            padding=token_of(tokenizer, "pad"),
            side="left" if getattr(tokenizer, "padding_side", "right") == "left" else "right",
        ),
    )


def token_of(tokenizer: object, kind: Literal["mask", "pad"]) -> tuple[int, str] | None:
    """Return the id and the name of a tokenizer's mask or padding, None where it has none."""
    number, name = getattr(tokenizer, f"{kind}_token_id", None), getattr(tokenizer, f"{kind}_token", None)
    return None if number is None or name is None else (number, name)


def plan_edits(loaded: Loaded, batch: Input, edits: Sequence[Edit]) -> Plan:
    """Return what is done to which step for edits of a model; the model is run to find the steps, and for other
    sentences that activations are taken from. Edits of tokens are those of the batch, and are made there.

    Raises:
        UsageError: an edit is of what the model does not have, or cannot be made.
        BertInspectError: the model's own forward fails.
    """
    check_edits(edits, loaded.sizes)
    of_model = [edit for edit in edits if edit.kind != "token"]
    if not of_model:
        return Plan(edits=tuple(edits), steps={})
    if loaded.weights == "none":
        raise UsageError("without weights there are no numbers to edit, only shapes", 'leave `weights="none"` out')
    seen = survey(loaded, batch)
    found: dict[Place, tuple[Target, list[Change]]] = {}
    removed: dict[Place, EditedStep] = {}
    for edit in of_model:
        assert edit.layer is not None
        there = targets(loaded, seen, edit.kind, edit.layer)
        if edit.kind == "layer" and edit.how == "zero":
            removed.update((target.place, _removal(target, edit)) for target in there)
            continue
        check_whole(edit, there, batch)
        for target in there:
            found.setdefault(target.place, (target, []))[1].extend(_changes(loaded, batch, edit, target))
    return Plan(
        edits=tuple(edits),
        steps={**removed, **{place: changed(target, made, batch) for place, (target, made) in found.items()}},
    )


def changed(target: Target, changes: Sequence[Change], batch: Input) -> EditedStep:
    """Return what makes changes of a tensor in a run over a batch."""
    return EditedStep(
        edit=ChangedTensor(
            layout=target.layout, changes=tuple(changes), real=torch.tensor(batch.attention_mask, dtype=torch.bool)
        ),
        output=target.output,
        received=target.received,
    )


def _removal(target: Target, edit: Edit) -> EditedStep:
    if not only_hidden_states(target):
        raise UsageError(
            f"{edit.spec} cannot be removed: this model's layers return more than hidden states",
            "set config.output_attentions and config.output_hidden_states to False",
        )
    return EditedStep(edit=None, output=0, received=target.received, returns=target.returns)


def check_whole(edit: Edit, there: Sequence[Target], batch: Input) -> None:
    """Refuse what takes the tokens of whole sentences where a step sees others, or a part of them.

    Raises:
        UsageError: names the edit.
    """
    if edit.how not in ("mean", "resample") or edit.file is not None:
        return
    rows, tokens = len(batch.tokens), len(batch.tokens[0])
    if len(there) > 1 or not there[0].sees(rows, tokens):
        raise UsageError(
            f"{edit} cannot be done: the model computes this for a part of the tokens at a time",
            "set config.chunk_size_feed_forward to 0",
        )


def _changes(loaded: Loaded, batch: Input, edit: Edit, target: Target) -> list[Change]:
    units = None if edit.number is None else (edit.number,)
    match edit.how:
        case "mean" if edit.file is not None:
            values = means_of_corpus(loaded, load_profile(edit.file), edit)
            return [Change(how="given", units=units, values=values if units is None else values[:, :, list(units)])]
        case "zero" | "mean":
            return [Change(how=edit.how, units=units)]
        case "scale":
            return [Change(how="towards" if edit.kind == "layer" else "scale", units=units, factor=edit.factor or 0.0)]
    return resampled(loaded, batch, edit, target)
