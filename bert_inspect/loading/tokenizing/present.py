"""Whether a folder holds a tokenizer, and in which files one may be."""

from ..files import CheckpointFiles
from .classes import CLASSES

JSON = "tokenizer.json"
TOKENIZER_FILES = [
    "tokenizer*.json",
    *sorted({file for made in CLASSES.values() for file in made.files}),
    "special_tokens_map.json",
    "added_tokens.json",
]
"""The names of all files that say something of a tokenizer, as patterns."""

NO_TOKENIZER = (
    "it has neither tokenizer.json nor a vocabulary (vocab.txt, vocab.json with merges.txt, or a sentencepiece model)"
)


def has_tokenizer(files: CheckpointFiles) -> bool:
    """Whether there is a file that a tokenizer can be made of.

    Raises:
        ModelError: one of them is not a plain file, or may not be looked at.
    """
    makings = [(JSON,), *(made.files for made in CLASSES.values())]
    return any(all(files.find(file) is not None for file in making) for making in makings)
