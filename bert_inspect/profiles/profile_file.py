"""A profile as a file of strict JSON, with a checksum that tells a whole one from a damaged one; and back."""

import hashlib
import os
import stat
from pathlib import Path

import msgspec
from msgspec import structs

from ..errors import TraceFileError
from ..traces.codec import decoder, encode
from .record import FORMAT, VERSION, Profile
from .total import Total
from .validate import check

MOST_BYTES = 1_500_000_000
"""The longest profile that is read: that of the largest of these models has a tenth of it."""
HOW_TO_MAKE = "bert-inspect profile --input FILE -o profile.json makes one"


def profile_json(profile: Profile) -> bytes:
    """Return a profile as strict JSON, a step a line, with its checksum."""
    signed = structs.replace(profile, checksum=_checksum(profile))
    head, tail = encode(structs.replace(signed, steps=[])).rsplit(b'"steps":[]', 1)
    steps = b",\n".join(encode(step) for step in signed.steps)
    return head + b'"steps":[\n' + steps + b"]" + tail + b"\n"


def load_profile(path: str | os.PathLike[str]) -> Profile:
    """Read a profile.

    Raises:
        TraceFileError: the file is unreadable, damaged, no profile, or of another version.
    """
    name = os.fspath(path)
    file = Path(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise TraceFileError(f"{name} is not a plain file", HOW_TO_MAKE)
        if found.st_size > MOST_BYTES:
            raise TraceFileError(f"{name} is {found.st_size:,} bytes long, far more than any profile", HOW_TO_MAKE)
        text = file.read_bytes()
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "there is not enough memory"
        raise TraceFileError(f"cannot read {name}: {reason}", HOW_TO_MAKE) from error
    return decode_profile(text, name=name)


def decode_profile(text: bytes, *, name: str = "the profile") -> Profile:
    """Return a profile from JSON; ``name`` is how errors call it.

    Raises:
        TraceFileError: as for `load_profile`.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise TraceFileError(f"{name} is not a profile of bert-inspect", HOW_TO_MAKE) from error
        raise TraceFileError(f"{name} is damaged: {error}", HOW_TO_MAKE) from error
    if head.format != FORMAT:
        raise TraceFileError(f"{name} is not a profile of bert-inspect", HOW_TO_MAKE)
    if head.version != VERSION:
        raise TraceFileError(
            f"{name} has profile version {head.version}, this bert-inspect reads version {VERSION}",
            "profile the corpus again, or use the bert-inspect that made it",
        )
    try:
        profile = _decoder.decode(text)
        whole = profile.checksum == _checksum(profile)
        if whole:
            check(profile)
            Total.read(profile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, IndexError, OverflowError) as error:
        raise TraceFileError(f"{name} is damaged: {error}", HOW_TO_MAKE) from error
    if not whole:
        raise TraceFileError(f"{name} is damaged: its checksum is another one", HOW_TO_MAKE)
    return profile


def _checksum(profile: Profile) -> str:
    return hashlib.sha256(encode(structs.replace(profile, checksum=""))).hexdigest()


class _Head(msgspec.Struct):
    format: str
    version: int


_decoder = decoder(Profile)
