"""What a shell offers while a command is typed: models, modules, questions, settings. Nothing here needs torch."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import typer

from ..families import family_of
from ..loading.builtin import BUILTIN, CARRIED, NAMES
from ..loading.spec import DEFAULT_MODEL

MODEL_VARIABLE = "BERT_INSPECT_MODEL"
"""Names another default model than the built-in one."""

_MOST_FOLDERS = 200
_CONFIG_BYTES = 1_000_000


def models(incomplete: str) -> list[str]:
    """Return the built-in models, and the folders here that hold a checkpoint or may lead to one."""
    return [name for name in NAMES if name.startswith(incomplete)] + sorted(_folders(incomplete))[:_MOST_FOLDERS]


def modules(context: typer.Context, incomplete: str) -> list[str]:
    """Return the paths of the model's modules, and the ends of paths by which modules of all layers are named."""
    source = context.get_parameter_source("name")
    typed = source is not None and source.name == "COMMANDLINE"  # older releases of typer forget the variable here
    name = (context.params.get("name") if typed else os.environ.get(MODEL_VARIABLE)) or DEFAULT_MODEL
    family, layers = _architecture(str(name))
    known = family_of(family)
    ends = [end for end in known.modules if end and "*" not in end]
    found = dict.fromkeys([*known.paths(layers), *ends])
    return [path for path in found if path and path.startswith(incomplete)]


def steps(context: typer.Context, incomplete: str) -> list[str]:
    """Return what a cell may be of: names in transformers, and modules. Labels have blanks, which part words."""
    from ..traces.vocabulary import known_as

    named = (known_as.LOGITS, "probabilities", known_as.LOSS, known_as.LAST_HIDDEN_STATE, known_as.POOLER_OUTPUT)
    return [name for name in named if name.startswith(incomplete)] + modules(context, incomplete)


def parts(context: typer.Context, incomplete: str) -> list[str]:
    """Return what a diagram can be drawn of: a module, or the tokenizer."""
    return [name for name in ("tokenizer",) if name.startswith(incomplete)] + modules(context, incomplete)


def stations(incomplete: str) -> list[str]:
    """Return the names of the stations of the tour."""
    from ..stations.names import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def questions(incomplete: str) -> list[str]:
    """Return what the doctor can be asked, behind the questions that are named already."""
    from ..analysis.doctor.diagnosis import QUESTIONS

    before, comma, begun = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{each}" for each in QUESTIONS if each not in named and each.startswith(begun)]


def hows(incomplete: str) -> list[str]:
    """Return what may stand in the place of what is taken away."""
    return [how for how in ("zero", "mean", "mean:", "resample:") if how.startswith(incomplete)]


def settings(incomplete: str) -> list[str]:
    """Return the settings of a side: each key with its choices, or alone where it takes any value."""
    from .sides import CHOICES, KEYS

    key, equals, begun = incomplete.partition("=")
    if equals and key == "model":
        return [f"model={name}" for name in models(begun)]
    found = [f"{key}={choice}" for key in KEYS for choice in CHOICES.get(key, ("",))]
    return [setting for setting in found if setting.startswith(incomplete)]


def precisions(incomplete: str) -> list[str]:
    """Return the names of the precisions."""
    from .sides import CHOICES

    return [name for name in CHOICES["dtype"] if name.startswith(incomplete)]


def _folders(incomplete: str) -> Iterator[str]:
    """Yield the folders that begin so: a checkpoint by its name, any other with a slash, to go on from."""
    lead, slash, begun = incomplete.rpartition("/")
    with suppress(OSError, ValueError, RuntimeError):
        for entry in os.scandir(Path(lead + slash).expanduser() if slash else "."):
            if entry.name.startswith(begun) and entry.is_dir() and (begun or not entry.name.startswith(".")):
                end = "" if (Path(entry.path) / "config.json").is_file() else "/"
                yield f"{lead}{slash}{entry.name}{end}"


def _architecture(name: str) -> tuple[str, int]:
    """Return the family of a model and how many layers it has, as far as its name or its folder tells."""
    carried = CARRIED.get(name)
    with suppress(OSError, ValueError, RuntimeError, AttributeError):
        folder = Path(name).expanduser()
        if not folder.is_dir():
            if name in BUILTIN:
                return "bert", BUILTIN[name].layers
            if carried is not None:
                folder = carried.folder
        with (folder / "config.json").open("rb") as stream:
            config = json.loads(stream.read(_CONFIG_BYTES))
        family = str(config.get("model_type"))
        return family, min(max(family_of(family).sizes_of(config).get("layers", 0), 0), 1000)
    return "bert", 12
