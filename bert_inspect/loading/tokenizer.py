"""A checkpoint's tokenizer; it needs transformers, but not torch."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from typing import Any

import msgspec
import transformers
from tokenizers import AddedToken, Tokenizer
from transformers.convert_slow_tokenizer import SLOW_TO_FAST_CONVERTERS
from transformers.tokenization_utils_tokenizers import TokenizersBackend
from transformers.utils import logging as transformers_logging

from ..errors import ModelError
from .checkpoint import Checkpoint
from .files import CheckpointFiles
from .notices import Notice, counted, short, warn
from .tokenizing.classes import CLASSES
from .tokenizing.library import as_json, part_of_library, parts_replaced
from .tokenizing.models import Bpe, WordPiece, pairs
from .tokenizing.read import TokenizerFiles, read_tokenizer
from .tokenizing.schema import Word
from .tokenizing.vocabularies import Vocabulary


def load_tokenizer(checkpoint: Checkpoint, *, notice: Notice = warn) -> Any:
    """Load the tokenizer of a checkpoint, a fast one: what transformers' AutoTokenizer makes of its files.

    That is one of the classes in ``tokenizing.classes``, or where ``tokenizer_class`` names none of transformers' own,
    what tokenizer.json says. It is made here from what was read: transformers opens none of the files, and no class is
    looked up by a name that a file gives. What is worth saying about it is told to ``notice``.

    Raises:
        ModelError: it cannot be loaded, or is another model's.
    """
    if checkpoint.builtin is not None:
        lines = checkpoint.builtin.vocabulary.read_text(encoding="utf-8").splitlines()
        words = {word: number for number, word in enumerate(lines)}
        files = TokenizerFiles(
            vocabulary=Vocabulary(model=WordPiece(vocab=words)),
            settings={"do_lower_case": not checkpoint.builtin.cased, "model_max_length": 512},
            added={},
            words=words,
        )
    else:
        assert checkpoint.folder is not None
        folder = CheckpointFiles(root=checkpoint.folder, name=checkpoint.name)
        files = read_tokenizer(folder, notice=notice, known=_known(), by_name=_by_name())
    try:
        with quiet():
            tokenizer = _build(files)
            told = [*parts_replaced(files.found, tokenizer, files.made)]
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {checkpoint.name} cannot be loaded: {reason(error)}",
            "save it again: tokenizer.save_pretrained(folder)",
        ) from error
    for difference in told:
        notice(f"tokenizer.json of {checkpoint.name} {difference}")
    _check_words(tokenizer, files, checkpoint, notice)
    return tokenizer


def _build(files: TokenizerFiles) -> Any:
    added = {index: _token(word) for index, word in files.added.items()}
    named = {str(token): token for token in added.values()}
    settings = {key: _tokens(value, named if key.endswith("_token") else {}) for key, value in files.settings.items()}
    if files.made is None:
        assert files.found is not None
        whole = Tokenizer.from_str(as_json(files.found, files.vocabulary.model))
        return TokenizersBackend(tokenizer_object=whole, added_tokens_decoder=added, **settings)
    module = import_module(f"transformers.models.{files.made.package}.tokenization_{files.made.package}")
    made = getattr(module, files.made.name)
    return made(added_tokens_decoder=added, **(settings | _makings(files, settings)))


def _makings(files: TokenizerFiles, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what a class of transformers takes from a checkpoint's files beside its settings."""
    model = files.vocabulary.model
    if isinstance(model, WordPiece):
        return {"vocab": model.vocab}
    makings: dict[str, Any] = {"vocab": model.vocab}
    if isinstance(model, Bpe):
        makings["merges"] = pairs(model.merges)
    if files.vocabulary.charsmap:
        makings["_spm_precompiled_charsmap"] = files.vocabulary.charsmap
    if files.found is not None and files.found.post_processor is not None:
        makings["post_processor"] = part_of_library(files.found, "post_processor")
    if files.vocabulary.sentencepiece is not None:
        told = {key: _tokens(value, {}) for key, value in files.vocabulary.sentencepiece.items()}
        assert files.made is not None
        converter = SLOW_TO_FAST_CONVERTERS[files.made.name]
        makings = converter.convert_from_spm(**(settings | makings | told))
    return makings


def _known() -> frozenset[str]:
    """Return the tokenizer classes that transformers has, without ``Fast``, but for those that stand for any."""
    listed = transformers.__all__
    named = {name.removesuffix("Fast") for name in listed if name.endswith(("Tokenizer", "TokenizerFast"))}
    return frozenset(named | set(CLASSES)) - {"PreTrainedTokenizer"}


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
    around = tokenizer("", verbose=False)["input_ids"]
    needed: list[str] = []
    if files.made is not None:
        unknown = [tokenizer.unk_token] if files.made.model == "WordPiece" else []
        needed = list(dict.fromkeys([*unknown, *tokenizer.convert_ids_to_tokens(around)]))
    for token in needed:
        # What is in no file the library would add, under an id for which nothing was trained.
        if token not in files.words and (token in unknown or token not in added):
            raise ModelError(
                f"the vocabulary of {checkpoint.name} has no token {short(repr(token))}",
                "it belongs to another model: save the model's own tokenizer there",
            )
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
    words = {**files.words, **tokenizer.added_tokens_encoder}
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
