"""What the Python API hands out: plain records, which save and display themselves, and a trace loads itself too."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from .analysis.effects import record as effects_record
from .analysis.explain import explanation
from .files import replacing
from .profiles import record as profile_record
from .safetext import safe_text
from .traces import record, trace_file
from .traces.codec import encode_line

if TYPE_CHECKING:
    from .query import Key, Tensor


class Trace(record.Trace, frozen=True, kw_only=True):
    """Everything recorded of one forward pass; in a notebook it displays itself. It needs no torch to be read again.

    ``steps``, ``input``, ``model``, ``output`` and the rest are those of `bert_inspect.traces.record.Trace`. By name it
    gives one tensor: ``result["attention probabilities", 3].numpy()``.
    """

    @classmethod
    def of(cls, recorded: record.Trace) -> "Trace":
        """Return a recorded trace as this class; nothing is copied."""
        return cls(**{name: getattr(recorded, name) for name in recorded.__struct_fields__})

    def json(self) -> Iterator[bytes]:
        """Yield the trace as strict JSON, a step at a time, so that big values are never held twice."""
        return trace_file.trace_json(self)

    def line(self) -> bytes:
        """Return the trace as one line of JSON Lines."""
        return trace_file.trace_line(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace as JSON, whole or not at all.

        Raises:
            UsageError: the file cannot be written.
        """
        with replacing(path) as stream:
            self.write(stream)

    def write(self, stream: BinaryIO) -> None:
        """Write the trace as JSON to an open binary stream."""
        stream.writelines(self.json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Trace":
        """Read a saved trace.

        Raises:
            TraceFileError: the file is unreadable, damaged, not a trace, or of another major version.
        """
        return cls.of(trace_file.load_trace(path))

    @classmethod
    def from_json(cls, text: bytes, *, name: str = "the trace") -> "Trace":
        """Decode a trace from JSON; ``name`` is how errors call it.

        Raises:
            TraceFileError: as for `load`.
        """
        return cls.of(trace_file.decode_trace(text, name=name))

    def __getitem__(self, key: "Key") -> "Tensor":
        """Return the tensor that a label names, with the number of its layer where it is in several:
        ``result["context", 3]``; its shape is the step's. A path names one too, a path and a label
        (``"bert.pooler:tanh activation"``), and what transformers calls it (``"hidden_states[1]"``).

        Raises:
            UsageError: no step is called so, or several are.
        """
        from .query import tensor  # reading a trace needs none of it

        return tensor(self, key)

    def find(
        self, *, label: str | None = None, layer: int | None = None, part: str | None = None, type: str | None = None
    ) -> list[record.Step]:
        """Return the steps with this label, in this encoder layer, of this part of the model (``"attention"``), of this
        class or operation (``"Linear"``), in the order in which they ran.
        """
        from .query import find

        return find(self, label=label, layer=layer, part=part, type=type)

    def to_frame(self) -> Any:
        """Return the steps as a pandas ``DataFrame``, a row each: layer, part, label, kind, type, path, the shapes of
        what it returned, its parameters and flops. The index is the step's id.

        Raises:
            BertInspectError: pandas is not installed.
        """
        from .query import frame

        return frame(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show the tree in a notebook."""
        from .render.notebook import mimebundle  # rich is needed only to be shown

        return mimebundle(self)


class _Saves:
    """What saves itself as a line of strict JSON."""

    __slots__ = ()

    def json(self) -> bytes:
        """Return it as a line of strict JSON."""
        return encode_line(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            UsageError: the file cannot be written.
        """
        with replacing(path) as stream:
            stream.write(self.json())


class Explanation(_Saves, explanation.Explanation, frozen=True, kw_only=True):
    """Why a model answers as it does, as a sum; in a notebook it displays itself.

    ``answers``, ``frozen``, ``input`` and the rest are those of
    `bert_inspect.analysis.explain.explanation.Explanation`.
    """

    @classmethod
    def of(cls, found: explanation.Explanation) -> "Explanation":
        """Return an explanation as this class; nothing is copied."""
        return cls(**{name: getattr(found, name) for name in found.__struct_fields__})

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show it in a notebook."""
        from .render.explain.notebook import mimebundle  # rich is needed only to be shown

        return mimebundle(self)


class Effects(_Saves, effects_record.Effects, frozen=True, kw_only=True):
    """What edits do to the answers of a model, one after the other; in a notebook it displays itself.

    ``answers``, ``each``, ``how``, ``input`` and the rest are those of `bert_inspect.analysis.effects.record.Effects`.
    """

    @classmethod
    def of(cls, found: effects_record.Effects) -> "Effects":
        """Return effects as this class; nothing is copied."""
        return cls(**{name: getattr(found, name) for name in found.__struct_fields__})

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show them in a notebook."""
        from .render.effects.page import mimebundle  # rich is needed only to be shown

        return mimebundle(self)


class Profile(_Saves, profile_record.Profile, frozen=True, kw_only=True):
    """What a model did over a whole corpus; in a notebook it displays itself. It needs no torch to be read again.

    ``steps``, ``heads``, ``answers``, ``input`` and the rest are those of `bert_inspect.profiles.record.Profile`.
    """

    @classmethod
    def of(cls, found: profile_record.Profile) -> "Profile":
        """Return a profile as this class; nothing is copied."""
        return cls(**{name: getattr(found, name) for name in found.__struct_fields__})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Profile":
        """Read a saved profile.

        Raises:
            TraceFileError: the file is unreadable, damaged, no profile, or of another version.
        """
        from .profiles.profile_file import load_profile  # with numpy, which nothing else here needs

        return cls.of(load_profile(path))

    def json(self) -> bytes:
        """Return the profile as strict JSON, a step a line, with its checksum."""
        from .profiles.profile_file import profile_json

        return profile_json(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """Show it in a notebook."""
        from .render.profiles.notebook import mimebundle  # rich is needed only to be shown

        return mimebundle(self)

    def __repr__(self) -> str:
        corpus = self.input
        told = f"{corpus.sentences:,} sentences, {corpus.tokens:,} tokens, {len(self.steps)} steps"
        return f"<Profile of {safe_text(self.model.name)}: {told}>"
