"""Text from outside (sentences, tokens, labels, names, paths) made safe to show."""

import unicodedata

# Everything that moves the cursor, changes the terminal or reorders what stands around it: control characters (Cc),
# format characters such as bidi overrides (Cf), line and paragraph separators (Zl, Zp), lone surrogates (Cs).
_UNSAFE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
_JOINS = {"\u200d", "\u200c"}  # zero-width (non-)joiners: part of emoji and of Persian spelling, and harmless


def safe_text(text: str) -> str:
    r"""Return the text with control characters shown instead of sent: a newline as ``\n``, an escape as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(sign) for sign in text)


def _shown(sign: str) -> str:
    if sign in _JOINS or unicodedata.category(sign) not in _UNSAFE:
        return sign
    return sign.encode("unicode_escape", "surrogatepass").decode("ascii")
