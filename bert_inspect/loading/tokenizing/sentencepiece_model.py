"""A sentencepiece model (spiece.model, spm.model, sentencepiece.bpe.model), as far as a tokenizer is made of it.

The file is a protobuf message, ``ModelProto`` of github.com/google/sentencepiece (sentencepiece_model.proto): fields,
each with a number and one of four wire types. Read are its pieces (1: text 1, score 2, type 3), of its training (2) the
kind of model (3) and the id of the unknown piece (40), and of its normalizer (3) the table of characters (2).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
_UNIGRAM = 1


@dataclass(frozen=True, kw_only=True)
class SentencePieceModel:
    """Its pieces with their scores, in the order of their ids; those that are looked for before a text is split, each
    with whether it is special (a control piece) or the user's own; the id of the unknown one; and the table of
    characters that its normalizer replaces, empty where it has none.
    """

    pieces: list[tuple[str, float]]
    added: list[tuple[str, bool]]
    unknown: int
    charsmap: bytes


def read_sentencepiece(data: bytes) -> SentencePieceModel:
    """Return what a sentencepiece model says.

    Raises:
        ValueError: it is damaged, or is not of the kind unigram.
    """
    pieces: list[tuple[str, float]] = []
    added: list[tuple[str, bool]] = []
    unknown, kind, charsmap = 0, _UNIGRAM, b""
    for number, value in _fields(data):
        if number == 1:
            text, score, role = _piece(_message(value))
            pieces.append((text, score))
            if role in (_CONTROL, _USER_DEFINED):
                added.append((text, role == _CONTROL))
        elif number == 2:
            training = {key: value for key, value in _fields(_message(value)) if key in (3, 40)}
            kind, unknown = _number(training.get(3, kind)), _number(training.get(40, unknown))
        elif number == 3:
            charsmap = next((_message(value) for key, value in _fields(_message(value)) if key == 2), charsmap)
    if not pieces:
        raise ValueError("it has no pieces")
    if kind != _UNIGRAM:
        raise ValueError("it is not a unigram model")
    return SentencePieceModel(pieces=pieces, added=added, unknown=unknown, charsmap=charsmap)


def _piece(data: bytes) -> tuple[str, float, int]:
    text, score, role = "", 0.0, _NORMAL
    for number, value in _fields(data):
        if number == 1:
            text = _message(value).decode("utf-8")
        elif number == 2:
            (score,) = struct.unpack("<f", _message(value))
        elif number == 3:
            role = _number(value)
    return text, score, role


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number of each field of a message with its value: a number, or the bytes of anything else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
            continue
        if wire == 2:
            length, place = _varint(data, place)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("it is no protobuf message")
        if length > len(data) - place:
            raise ValueError("it is cut off")
        yield key >> 3, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at a place, seven bits a byte, the lowest first; and the place behind it."""
    found = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("it is cut off")
        byte = data[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found, place
    raise ValueError("it is no protobuf message")


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a field is a number that should be text")
    return value


def _number(value: int | bytes) -> int:
    """Return a number of 32 bits, which may be below zero."""
    if not isinstance(value, int):
        raise ValueError("a field is text that should be a number")
    return (value + 2**31) % 2**32 - 2**31
