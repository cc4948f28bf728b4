"""A checkpoint's tokenizer; it needs transformers, but not torch."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from transformers.models.bert.tokenization_bert import BertTokenizer
from transformers.utils import logging as transformers_logging

from ..errors import ModelError
from .locate import Checkpoint


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """Load the tokenizer of a checkpoint: the fast BERT tokenizer and nothing else.

    Raises:
        ModelError: it cannot be loaded.
    """
    try:
        with quiet():
            if checkpoint.builtin is not None:
                words = checkpoint.builtin.vocabulary.read_text(encoding="utf-8").splitlines()
                vocabulary = {word: number for number, word in enumerate(words)}
                return BertTokenizer(vocab=vocabulary, do_lower_case=not checkpoint.builtin.cased, model_max_length=512)
            return BertTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {checkpoint.name} cannot be loaded: {reason(error)}",
            "save it again: tokenizer.save_pretrained(folder)",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the load reports and progress bars of transformers: what they say, the header says in plain words."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def reason(error: Exception) -> str:
    """Return the first line of what an exception says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
