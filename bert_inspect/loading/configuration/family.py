"""Of which family a checkpoint is, by what its configuration says or, where that says nothing, its tensors' names."""

import re
from typing import Any

from ...errors import ModelError
from ...families import BERT, FAMILIES, Family
from ..files import CheckpointFiles
from ..notices import Notice, short, some, with_article
from ..weights.names import plain_names
from ..weights.safetensors_files import find_weights

_WORDS, _SEGMENTS = "embeddings.word_embeddings.weight", "embeddings.token_type_embeddings.weight"


def family_in(config: dict[str, Any], files: CheckpointFiles, notice: Notice) -> Family:
    """Return the family of a checkpoint. Of one of 2019, whose configuration does not name it, what it is taken for is
    told to ``notice``.

    Raises:
        ModelError: it is of another architecture, or nothing says of which.
    """
    kind, name = config.get("model_type"), files.name
    classes = config.get("architectures")
    if isinstance(kind, str) and kind in FAMILIES:
        return FAMILIES[kind]
    if kind in (None, ""):
        family, evidence = _by_evidence(classes, files)
        if family is not None:
            notice(f"config.json of {name} names no model_type, as before 2020: {evidence}")
            return family
        raise ModelError(
            f"config.json of {name} does not say what model it is (model_type)",
            'write it there, if you know it: "model_type": "bert" of a BERT',
        )
    made = f" ({some(list(map(str, classes)))})" if isinstance(classes, list) and classes else ""
    what = (
        f"{with_article(short(kind))} checkpoint{made}"
        if isinstance(kind, str)
        else "a checkpoint that does not name its model_type"
    )
    raise ModelError(f"{name} is {what}, which is not read", f"bert-inspect reads {', '.join(FAMILIES)}")


def _by_evidence(classes: Any, files: CheckpointFiles) -> tuple[Family | None, str]:
    """Return what a model is whose configuration does not say it, with what says so; nothing where nothing does."""
    if isinstance(classes, list) and classes:
        found = [_family_of_class(each) for each in classes]
        family = found[0]
        if family is None or any(each is not family for each in found):
            return None, ""
        return family, f"it is read as {with_article(family.name)}, being {with_article(short(classes[0]))}"
    shapes = {tensor.name: tensor.shape for file in find_weights(files) for tensor in file.tensors}
    plain = {name: shapes[stored] for stored, name in plain_names(shapes, BERT).items()}
    if f"bert.{_WORDS}" in plain:
        return BERT, "it is read as a BERT by the names of its tensors (bert.embeddings ...)"
    # A body alone may be another's: RoBERTa has one segment, ELECTRA no pooler.
    if _WORDS in plain and "pooler.dense.weight" in plain and plain.get(_SEGMENTS, (0,))[:1] > (1,):
        return BERT, "it is read as a BERT by the names of its tensors (two segments, a pooler)"
    return None, ""


def _family_of_class(name: Any) -> Family | None:
    """Return the family that has a class of this name, of those that begin the same the longest name."""
    if not isinstance(name, str):
        return None
    fitting = [
        family
        for family in FAMILIES.values()
        if re.fullmatch(rf"{family.prefix}(Model|LMHeadModel|For[A-Z]\w{{0,60}})", name, re.ASCII)
    ]
    return max(fitting, key=lambda family: len(family.prefix), default=None)
