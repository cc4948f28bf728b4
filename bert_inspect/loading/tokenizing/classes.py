"""Which tokenizer AutoTokenizer makes of a checkpoint: one of transformers' classes, or tokenizer.json as it is."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any, Literal

ModelKind = Literal["WordPiece", "BPE", "Unigram"]


@dataclass(frozen=True, kw_only=True)
class TokenizerClass:
    """A tokenizer class of transformers that makes its tokens by rules of its own.

    It lies in the module ``transformers.models.<package>.tokenization_<package>``. ``model`` is how it splits words,
    ``files`` is what it is made of where there is no tokenizer.json.
    """

    name: str
    package: str
    model: ModelKind
    files: tuple[str, ...]


VOCABULARY, PIECES, MERGES = "vocab.txt", "vocab.json", "merges.txt"

_CLASSES = (
    TokenizerClass(name="BertTokenizer", package="bert", model="WordPiece", files=(VOCABULARY,)),
    TokenizerClass(name="DistilBertTokenizer", package="distilbert", model="WordPiece", files=(VOCABULARY,)),
    TokenizerClass(name="MPNetTokenizer", package="mpnet", model="WordPiece", files=(VOCABULARY,)),
    TokenizerClass(name="RobertaTokenizer", package="roberta", model="BPE", files=(PIECES, MERGES)),
    TokenizerClass(
        name="XLMRobertaTokenizer", package="xlm_roberta", model="Unigram", files=("sentencepiece.bpe.model",)
    ),
    TokenizerClass(name="CamembertTokenizer", package="camembert", model="Unigram", files=("sentencepiece.bpe.model",)),
    TokenizerClass(name="AlbertTokenizer", package="albert", model="Unigram", files=("spiece.model",)),
    TokenizerClass(name="DebertaV2Tokenizer", package="deberta_v2", model="Unigram", files=("spm.model",)),
)
_ALIASES = {
    **dict.fromkeys(("Electra", "MobileBert", "LayoutLM", "Lxmert", "SqueezeBert"), "BertTokenizer"),
    **dict.fromkeys(("Longformer", "Bart", "LED", "Mvp"), "RobertaTokenizer"),
}
"""Other names that transformers has for one of them, without ``Tokenizer``."""

CLASSES = {made.name: made for made in _CLASSES}
CLASSES |= {f"{alias}Tokenizer": CLASSES[name] for alias, name in _ALIASES.items()}

OF_MODEL: dict[str, str | None] = {
    **dict.fromkeys(("bert", "distilbert", "electra"), "BertTokenizer"),
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
    "albert": "AlbertTokenizer",
    "mpnet": "MPNetTokenizer",
    "deberta-v2": "DebertaV2Tokenizer",
    "modernbert": None,  # transformers does not believe what its checkpoints say, and takes tokenizer.json as it is
}
"""The class that is made for a model type whose files name none."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What AutoTokenizer makes: ``named`` is the class that the files name (empty: none), ``own`` the class of the
    model type, and ``as_is`` whether tokenizer.json, if there is one, is taken as it is.
    """

    named: str
    own: TokenizerClass | None
    as_is: bool

    @property
    def made(self) -> TokenizerClass | None:
        """The class that is made: the named one, else that of the model type; None if that is not to be known here."""
        return CLASSES.get(self.named) if self.named else self.own


def choose(config: dict[str, Any], settings: dict[str, Any], *, known: Container[str], by_name: bool) -> Choice:
    """Return what AutoTokenizer makes of a checkpoint.

    Args:
        config: what config.json says.
        settings: what tokenizer_config.json says.
        known: the tokenizer classes that transformers has.
        by_name: whether every class is taken that tokenizer_config.json names, or only the model type's own.
    """
    model_type = config.get("model_type")
    name = OF_MODEL.get(model_type, "BertTokenizer") if isinstance(model_type, str) else "BertTokenizer"
    own = None if name is None else CLASSES[name]
    named = _class(settings)
    other = bool(named) and not by_name and named != name
    named = named or _class(config)
    return Choice(named=named, own=own, as_is=own is None or other or (bool(named) and named not in known))


def _class(config: dict[str, Any]) -> str:
    """Return the class that a tokenizer is said to be of, without ``Fast``; empty where none is named."""
    kind = config.get("tokenizer_class")
    return kind.removesuffix("Fast") if isinstance(kind, str) else ""
