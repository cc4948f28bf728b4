"""bert-inspect shows the whole forward pass of a BERT classifier, from one real run of it.

    from bert_inspect import trace

    trace(model, tokenizer, "I love cats!")

returns a `Trace`: plain data that displays itself in a notebook, saves as JSON and needs no torch to be read again.
`explain` takes the same and returns an `Explanation`: the logit of each answer as an exact sum. `walk` takes the same
and returns a `Walk`: the tour from the text to the answer, station by station.
`ablate` takes each head, layer, neuron or token away in turn and returns `Effects`: what that does to each answer.
`patch` puts activations of one sentence into the run of another, and returns `Effects` too.
`profile` takes a whole corpus and returns a `Profile`: what the activations do over all of it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import ablate, explain, load, patch, profile, trace, walk
    from .errors import BertInspectError
    from .result import Effects, Explanation, Profile, Trace
    from .tour import Walk

__all__ = [
    "BertInspectError",
    "Effects",
    "Explanation",
    "Profile",
    "Trace",
    "Walk",
    "__version__",
    "ablate",
    "explain",
    "load",
    "patch",
    "profile",
    "trace",
    "walk",
]

_WHERE = {
    "ablate": "api",
    "explain": "api",
    "load": "api",
    "patch": "api",
    "profile": "api",
    "trace": "api",
    "walk": "api",
    "BertInspectError": "errors",
    "Effects": "result",
    "Explanation": "result",
    "Profile": "result",
    "Trace": "result",
    "Walk": "tour",
}


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is first used: reading a trace needs no torch."""
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("bert-inspect")
    if name in _WHERE:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
