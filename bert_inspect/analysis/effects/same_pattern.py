"""Whether two sentences have the same pattern of tokens, so that each token of one has its place in the other."""

from ...diff.align_words import words
from ...errors import UsageError
from ...traces.record import Input
from ...traces.sentences import real_places
from ...traces.token_text import shown_token

_MOST = 60
"""So many tokens of a sentence are shown."""


def check_same_pattern(batch: Input) -> None:
    """Refuse two sentences of which a word has no partner, or one of another number of tokens.

    Raises:
        UsageError: shows the tokens of both.
    """
    clean, corrupt = (list(words(batch, row)) for row in (0, 1))
    if len(clean) != len(corrupt):
        told = f"they have {len(clean)} and {len(corrupt)} words, counting special tokens"
    elif several := [pair for pair in zip(clean, corrupt, strict=True) if len(pair[0].places) != len(pair[1].places)]:
        one, other = several[0]
        told = f"'{one.text}' has {_tokens(len(one.places))}, '{other.text}' {_tokens(len(other.places))}"
    elif [word.places for word in clean] != [word.places for word in corrupt] or batch.sides(0) != batch.sides(1):
        told = "their words stand in other places"
    else:
        return
    raise UsageError(
        f"the tokens of the two sentences cannot be paired one to one: {told}; "
        f"clean: {_shown(batch, 0)}; corrupt: {_shown(batch, 1)}",
        "replace words by others of as many tokens; bert-inspect tokens shows how a text is cut",
    )


def _shown(batch: Input, row: int) -> str:
    places = real_places(batch, row)
    told = " ".join(shown_token(batch, row, place) for place in places[:_MOST])
    return told if len(places) <= _MOST else f"{told} ... ({len(places) - _MOST} more)"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count} tokens"
