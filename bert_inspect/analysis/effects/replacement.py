"""What stands in the place of a unit of the model, of each row of a run by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...capture.editing.change import Change
from ...capture.editing.corpus_means import means_of_corpus
from ...capture.editing.keep import activations
from ...capture.editing.plan import check_whole
from ...capture.editing.resample import other_sentence, put_in
from ...capture.editing.survey import Survey, survey
from ...capture.editing.targets import Target, targets
from ...loading.loaded import Loaded
from ...profiles.profile_file import load_profile
from ...traces.edits import Edit
from ...traces.record import Input


@dataclass
class Replacements:
    """The changes that edits of one kind make. What they need of other runs is run once: means are taken over all
    batches without edits, and another sentence is run as it is.
    """

    loaded: Loaded
    batches: Sequence[Input]
    how: Edit
    layers: Sequence[int]
    _values: dict[int, Tensor] = field(default_factory=dict)
    _other: Input | None = None

    def __post_init__(self) -> None:
        if self.how.how == "mean" and self.how.file is not None:
            profile = load_profile(self.how.file)
            self._values = {
                layer: means_of_corpus(self.loaded, profile, replace(self.how, layer=layer)) for layer in self.layers
            }
        elif self.how.how == "mean":
            self._values = self._means()
        elif self.how.how == "resample":
            self._other = other_sentence(self.loaded, self.how.sentence or "")
            self._values = self._run(self._other)

    def changes(self, edit: Edit, own: Input, block: range) -> list[Change]:
        """Return the changes of one edit in the rows of a run that hold a sentence: ``block``, in the order in which
        ``own`` has them.
        """
        units = None if edit.number is None else (edit.number,)
        rows = tuple(block)
        assert edit.layer is not None
        match edit.how:
            case "zero" if edit.kind == "layer":
                return [Change(how="towards", rows=rows, factor=0.0)]
            case "zero":
                return [Change(how="zero", units=units, rows=rows)]
            case "scale" if edit.kind == "layer":
                return [Change(how="towards", rows=rows, factor=edit.factor or 0.0)]
            case "scale":
                return [Change(how="scale", units=units, rows=rows, factor=edit.factor or 0.0)]
            case "mean":
                means = self._values[edit.layer]
                values = means if units is None else means[:, :, list(units)]
                return [Change(how="given", units=units, rows=rows, values=values)]
        assert self._other is not None
        values = self._values[edit.layer]
        return [put_in(values, self._other, own, at, units=units, rows=(row,)) for at, row in enumerate(block)]

    def _means(self) -> dict[int, Tensor]:
        """Return the mean of each unit over the real tokens of all batches (1, 1, units, numbers), for each layer."""
        sums: dict[int, Tensor] = {}
        dtypes: dict[int, torch.dtype] = {}
        count = 0
        for batch in self.batches:
            real = torch.tensor(batch.attention_mask, dtype=torch.bool)
            count += int(real.sum())
            for layer, values in self._run(batch).items():
                added = values[real.to(values.device)].double().sum(dim=0)
                sums[layer], dtypes[layer] = sums.get(layer, 0.0) + added, values.dtype
        return {layer: (added / count).to(dtypes[layer])[None, None] for layer, added in sums.items()}

    def _run(self, batch: Input) -> dict[int, Tensor]:
        """Return what stands in each layer where it is edited, in a run over a batch without edits."""
        seen = survey(self.loaded, batch)
        there = {layer: self._whole(seen, batch, layer) for layer in self.layers}
        found, _ = activations(self.loaded, batch, list(there.values()))
        return dict(zip(there, found, strict=True))

    def _whole(self, seen: Survey, batch: Input, layer: int) -> Target:
        there = targets(self.loaded, seen, self.how.kind, layer)
        check_whole(self.how, there, batch)
        return there[0]
