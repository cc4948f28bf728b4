"""A checkpoint's tokenizer; it needs transformers, but not torch."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import msgspec
import transformers
from msgspec import UNSET
from msgspec.structs import replace
from tokenizers import AddedToken, Tokenizer
from transformers.models.bert.tokenization_bert import BertTokenizer
from transformers.tokenization_utils_tokenizers import TokenizersBackend
from transformers.utils import logging as transformers_logging

from ..errors import ModelError
from .checkpoint import Checkpoint
from .files import CheckpointFiles
from .notices import Notice, counted, short, warn
from .tokenizer_files import TokenizerFiles, read_tokenizer
from .tokenizer_schema import TokenizerJson, Word

# Of BERT's tokenizer, which transformers knows too and does not list.
_OTHER_NAMES = {"ElectraTokenizer", "LayoutLMTokenizer", "LxmertTokenizer", "SqueezeBertTokenizer"}


def load_tokenizer(checkpoint: Checkpoint, *, notice: Notice = warn) -> Any:
    """Load the tokenizer of a checkpoint, a fast one: what transformers' AutoTokenizer makes of its files.

    That is BertTokenizer, or where ``tokenizer_class`` names none of transformers' own, what tokenizer.json says. It is
    made here from what was read: transformers opens none of the files, and no class is looked up by its name. What is
    worth saying about it is told to ``notice``.

    Raises:
        ModelError: it cannot be loaded, or is another model's.
    """
    if checkpoint.builtin is not None:
        words = checkpoint.builtin.vocabulary.read_text(encoding="utf-8").splitlines()
        files = TokenizerFiles(
            vocabulary={word: number for number, word in enumerate(words)},
            settings={"do_lower_case": not checkpoint.builtin.cased, "model_max_length": 512},
            added={},
        )
    else:
        assert checkpoint.folder is not None
        folder = CheckpointFiles(root=checkpoint.folder, name=checkpoint.name)
        files = read_tokenizer(folder, notice=notice, known=_known(), by_name=_by_name())
    try:
        with quiet():
            tokenizer = _build(files)
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {checkpoint.name} cannot be loaded: {reason(error)}",
            "save it again: tokenizer.save_pretrained(folder)",
        ) from error
    _check_words(tokenizer, files, checkpoint, notice)
    return tokenizer


def _build(files: TokenizerFiles) -> Any:
    added = {index: _token(word) for index, word in files.added.items()}
    named = {str(token): token for token in added.values()}
    settings = {key: _tokens(value, named if key.endswith("_token") else {}) for key, value in files.settings.items()}
    if files.followed is None:
        return BertTokenizer(vocab=files.vocabulary, added_tokens_decoder=added, **settings)
    whole = Tokenizer.from_str(_json(files.followed, files.vocabulary))
    return TokenizersBackend(tokenizer_object=whole, added_tokens_decoder=added, **settings)


def _json(found: TokenizerJson, vocabulary: dict[str, int]) -> str:
    """Return a tokenizer.json of what was read of one. How sentences are padded and cut is asked for at each call."""
    model = {**msgspec.structs.asdict(found.model), "type": found.model.type or "WordPiece", "vocab": vocabulary}
    added = [
        msgspec.structs.asdict(word if word.normalized is not UNSET else replace(word, normalized=not word.special))
        for word in found.added_tokens
    ]
    parts = {key: getattr(found, key) for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **parts, "model": model}
    return msgspec.json.encode(whole).decode()


def _known() -> frozenset[str]:
    """Return the tokenizer classes that transformers has, without ``Fast``, but for those that stand for any."""
    listed = transformers.__all__
    named = {name.removesuffix("Fast") for name in listed if name.endswith(("Tokenizer", "TokenizerFast"))}
    return frozenset(named | _OTHER_NAMES) - {"PreTrainedTokenizer"}


def _by_name() -> bool:
    """Whether AutoTokenizer takes the class that the files of a BERT name: since transformers 5.12."""
    return tuple(map(int, transformers.__version__.split(".")[:2])) >= (5, 12)


def _tokens(value: Any, named: dict[str, AddedToken]) -> Any:
    if isinstance(value, list):
        return [_tokens(item, named) for item in value]
    token = _token(value) if isinstance(value, Word) else value
    return named.get(str(token), token)


def _token(word: Word) -> AddedToken:
    fields = {key: value for key, value in msgspec.structs.asdict(word).items() if key != "id"}
    return AddedToken(**{key: value for key, value in fields.items() if value is not msgspec.UNSET})


def _check_words(tokenizer: Any, files: TokenizerFiles, checkpoint: Checkpoint, notice: Notice) -> None:
    """Refuse a tokenizer that no sentence can pass, and tell of words that the model has no embedding for."""
    rows, added = checkpoint.words, {word.content for word in files.added.values()}
    needed = [] if files.followed else list(map(str, (tokenizer.unk_token, tokenizer.cls_token, tokenizer.sep_token)))
    for token in needed:
        # What is in no file the library would add, under an id for which nothing was trained.
        if token not in files.vocabulary and (token == tokenizer.unk_token or token not in added):
            raise ModelError(
                f"the vocabulary of {checkpoint.name} has no token {short(repr(token))}",
                "it belongs to another model: save the model's own tokenizer there",
            )
    around = tokenizer("", verbose=False)["input_ids"]
    for token, index in [(token, tokenizer.convert_tokens_to_ids(token)) for token in needed] + [
        (f"what it puts around a text ({tokenizer.convert_ids_to_tokens(index)})", index) for index in around
    ]:
        if index >= rows:
            raise ModelError(
                f"the tokenizer of {checkpoint.name} gives {short(token)} the id {index}, the model's word embeddings "
                f"have {rows:,} rows",
                "it belongs to another model: save the model's own tokenizer there",
            )
    if not around:
        notice(f"the tokenizer of {checkpoint.name} adds no special tokens: a sentence begins with its first word")
    words = {**files.vocabulary, **tokenizer.added_tokens_encoder}
    if beyond := sum(1 for index in words.values() if index >= rows):
        notice(
            f"the tokenizer of {checkpoint.name} has {counted(beyond, 'word')} without a row in the model's {rows:,} "
            "word embeddings: a sentence that holds one fails"
        )


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
