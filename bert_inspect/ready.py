"""What the Python API does first: a model of the caller's own made ready, and its sentences tokenized."""

from collections.abc import Sequence
from typing import Any

from .capture.encode import Sentences, check_tokenizer, encode, token_limit
from .capture.outputs.classes import class_names
from .capture.task_inputs import check_for_task
from .errors import UsageError
from .families import family_of
from .loading.loaded import Loaded
from .traces.record import Input


def ready(model: Any, tokenizer: Any) -> tuple[Any, Loaded]:
    """Return the model to run, out of what may stand around it, as the caller's own and as if it had been loaded here.

    Raises:
        TypeError: the model or the tokenizer is of another kind.
    """
    model = _checked(model)
    check_tokenizer(tokenizer)
    return model, _as_loaded(model, tokenizer)


def encoded(
    loaded: Loaded,
    texts: str | Sequence[str],
    *,
    pairs: str | Sequence[str] | None,
    choices: str | Sequence[str] | None,
    labels: Sequence[float | Sequence[float]] | None = None,
    max_length: int | None,
    truncate: bool,
) -> Input:
    """Tokenize sentences for a model.

    Raises:
        UsageError: the model's head can do nothing with them, or one is too long.
    """
    sentences = Sentences(
        texts=several(texts),
        pairs=None if pairs is None else several(pairs),
        labels=None if labels is None else list(labels),
        choices=None if choices is None else several(choices),
    )
    config, tokenizer = loaded.model.config, loaded.tokenizer
    many = config.problem_type == "multi_label_classification"
    check_for_task(loaded.head, sentences, names=class_names(config), several=many)
    limit = token_limit(tokenizer, loaded.most_tokens, max_length)
    return encode(tokenizer, sentences, limit=limit, truncate=truncate)


def _checked(model: Any) -> Any:
    """Return the model to trace, out of what may stand around it."""
    from .loading.classes import is_known, taken
    from .loading.notices import with_article
    from .loading.unwrap import path_inside, unwrapped

    inner = unwrapped(model)
    if not is_known(inner):
        said = f"bert_inspect takes {taken()}, not {with_article(type(model).__name__)}"
        path = path_inside(inner, is_known)
        raise TypeError(said if path is None else f"{said}; give it the one inside, its {path}")
    return inner


def _as_loaded(model: Any, tokenizer: Any) -> Loaded:
    """Return a model of the caller's own as if it had been loaded here."""
    from .loading.trained import weights_of

    weights, initialised = weights_of(model, family_of(model.config.model_type))
    return Loaded(
        model=model,
        name=model.name_or_path or type(model).__name__,
        source="python",
        weights=weights,
        initialised=initialised,
        seed=0,
        tokenizer=tokenizer,
    )


def several(texts: str | Sequence[str]) -> list[str]:
    """Return sentences that may be one.

    Raises:
        UsageError: one is no string.
    """
    if isinstance(texts, str):
        return [texts]
    found = list(texts)
    if any(not isinstance(text, str) for text in found):
        raise UsageError("a sentence is a string")
    return found
