"""How a word is typed on a command line."""

import shlex

from .safetext import is_unsafe, safe_text


def quoted(text: str) -> str:
    r"""Return a sentence as it is written on a command line, always in quotes: double ones where they are enough. What
    a screen may not show as it is stands there escaped, in the quotes of bash and zsh that read it: ``$'two\nlines'``.
    """
    if safe_text(text) != text:
        return f"$'{''.join(map(_escaped, text))}'"
    return shlex.quote(text) if any(sign in text for sign in '"$`\\!\n') and not _plain(text) else f'"{text}"'


def typed(words: list[str]) -> str:
    """Return a command as it is typed, with quotes around those words that need them."""
    return " ".join(word if word and not set(word) - _BARE else quoted(word) for word in words)


def _plain(text: str) -> bool:
    """Whether double quotes are enough: an exclamation mark that ends a sentence is taken as it is."""
    return not any(sign in text for sign in '"$`\\\n') and "!" not in text[:-1]


def _escaped(sign: str) -> str:
    if sign in "\\'":
        return f"\\{sign}"
    if sign.isascii() and is_unsafe(sign):
        return sign.encode("unicode_escape").decode("ascii")
    return f"\\U{ord(sign):08x}" if is_unsafe(sign) else sign


_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@")
"""Signs that mean nothing to a shell."""
