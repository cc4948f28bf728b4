"""How a word is typed on a command line."""

import shlex


def quoted(text: str) -> str:
    """Return a sentence as it is written on a command line, always in quotes: double ones where they are enough."""
    return shlex.quote(text) if any(sign in text for sign in '"$`\\!\n') and not _plain(text) else f'"{text}"'


def typed(words: list[str]) -> str:
    """Return a command as it is typed, with quotes around those words that need them."""
    return " ".join(word if word and not set(word) - _BARE else quoted(word) for word in words)


def _plain(text: str) -> bool:
    """Whether double quotes are enough: an exclamation mark that ends a sentence is taken as it is."""
    return not any(sign in text for sign in '"$`\\\n') and "!" not in text[:-1]


_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@")
"""Signs that mean nothing to a shell."""
