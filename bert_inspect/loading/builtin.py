"""What needs no network and no file: a trained model, and architectures with their configurations and vocabularies.

Sources: the configurations that Google released with BERT (github.com/google-research/bert, the tables of the README
for the sizes) and, under ``hub``, the names under which the Hugging Face hub holds the pretrained weights.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """A trained model that the package carries as a plain checkpoint folder. ``about`` says what it is and is not;
    ``dtype`` is the precision that it is run in, whatever its weights are stored in.
    """

    folder: Path
    about: str
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Builtin:
    """One architecture. ``vocabulary`` names the vocabulary's folder."""

    layers: int
    hidden: int
    heads: int
    cased: bool
    hub: tuple[str, ...]

    @property
    def config(self) -> dict[str, Any]:
        """Return what `BertConfig` is to be given; everything else is its default, which is BERT's own."""
        return {
            "vocab_size": 28996 if self.cased else 30522,
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": 4 * self.hidden,
        }

    @property
    def vocabulary(self) -> Path:
        """Return the file that holds one WordPiece a line."""
        return _DATA / ("bert-base-cased" if self.cased else "bert-base-uncased") / "vocab.txt"


def _small(layers: int, hidden: int, short: str) -> Builtin:
    hub = (f"google/bert_uncased_L-{layers}_H-{hidden}_A-{hidden // 64}", f"prajjwal1/{short}")
    return Builtin(layers=layers, hidden=hidden, heads=hidden // 64, cased=False, hub=hub)


def _released(layers: int, hidden: int, name: str) -> Builtin:
    cased = not name.endswith("uncased")
    hub = (f"google-bert/{name}", name)
    return Builtin(layers=layers, hidden=hidden, heads=hidden // 64, cased=cased, hub=hub)


BUILTIN: dict[str, Builtin] = {
    "bert-base-cased": _released(12, 768, "bert-base-cased"),
    "bert-base-uncased": _released(12, 768, "bert-base-uncased"),
    "bert-large-cased": _released(24, 1024, "bert-large-cased"),
    "bert-large-uncased": _released(24, 1024, "bert-large-uncased"),
    "bert-tiny": _small(2, 128, "bert-tiny"),
    "bert-mini": _small(4, 256, "bert-mini"),
    "bert-small": _small(4, 512, "bert-small"),
    "bert-medium": _small(8, 512, "bert-medium"),
}

CARRIED: dict[str, Carried] = {
    "bert-sentiment": Carried(
        folder=_DATA / "bert-sentiment",
        about="MiniLM, fine-tuned on 18,500 short reviews and tweets; for learning",
        dtype="float32",
    ),
}
"""How they were made, and what they get wrong, stands in training/README.md."""

NAMES = (*CARRIED, *BUILTIN)
"""All names that are built in."""
