"""Whether a checkpoint is a BERT, by what its configuration says or, where that says nothing, its tensors' names."""

import re
from typing import Any

from ..errors import ModelError
from ..families import family_of
from .files import CheckpointFiles
from .names import plain_names
from .notices import Notice, short, some
from .weights import find_weights

_BERT_CLASS = re.compile(r"Bert(Model|LMHeadModel|For[A-Z]\w{0,60})", re.ASCII)
_WORDS, _SEGMENTS = "embeddings.word_embeddings.weight", "embeddings.token_type_embeddings.weight"


def refuse_other_types(config: dict[str, Any], files: CheckpointFiles, notice: Notice) -> None:
    """Refuse a checkpoint of another architecture. One of 2019, which does not name its own, is told to ``notice``.

    Raises:
        ModelError: it is not a BERT, or nothing says what it is.
    """
    kind, name = config.get("model_type"), files.name
    if kind == "bert":
        return
    classes = config.get("architectures")
    if kind in (None, ""):
        if evidence := _evidence_of_bert(classes, files):
            notice(f"config.json of {name} names no model_type, as before 2020: {evidence}")
            return
        raise ModelError(
            f"config.json of {name} does not say what model it is (model_type)",
            'if it is a BERT, write "model_type": "bert" into it',
        )
    made = f" ({some(list(map(str, classes)))})" if isinstance(classes, list) and classes else ""
    what = (
        f"a {short(kind)} checkpoint{made}"
        if isinstance(kind, str)
        else "a checkpoint that does not name its model_type"
    )
    raise ModelError(f"{name} is {what}, not BERT", "bert-inspect reads BERT checkpoints (model_type bert)")


def _evidence_of_bert(classes: Any, files: CheckpointFiles) -> str:
    """Return what says that a model is a BERT whose configuration does not, empty where nothing does."""
    if isinstance(classes, list) and classes:
        is_bert = all(isinstance(each, str) and _BERT_CLASS.fullmatch(each) for each in classes)
        return f"it is read as a BERT, being a {short(classes[0])}" if is_bert else ""
    shapes = {tensor.name: tensor.shape for file in find_weights(files) for tensor in file.tensors}
    plain = {name: shapes[stored] for stored, name in plain_names(shapes, family_of("bert")).items()}
    if f"bert.{_WORDS}" in plain:
        return "it is read as a BERT by the names of its tensors (bert.embeddings ...)"
    # A body alone may be another's: RoBERTa has one segment, ELECTRA no pooler.
    if _WORDS in plain and "pooler.dense.weight" in plain and plain.get(_SEGMENTS, (0,))[:1] > (1,):
        return "it is read as a BERT by the names of its tensors (two segments, a pooler)"
    return ""
