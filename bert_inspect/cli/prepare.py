"""From a command's options to a loaded model and encoded sentences; what can be refused is refused before torch is
loaded, and what is worth knowing is said on stderr.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..terminal import Terminal
from .flags import in_flags
from .inputs import sentences_of
from .options import TextOptions

if TYPE_CHECKING:
    from ..capture.encode import Sentences
    from ..loading.checkpoint import Checkpoint
    from ..loading.loaded import Loaded
    from ..loading.notices import Notice
    from ..loading.spec import ModelSpec
    from ..traces.edits import Edit
    from ..traces.focus import Focus
    from ..traces.record import Input
    from ..traces.selection import Selection


def prepare(
    text: TextOptions,
    spec: "ModelSpec",
    terminal: Terminal,
    *,
    selection: "Selection | None" = None,
    focus: "Focus | None" = None,
    edits: "Sequence[Edit]" = (),
    apart: bool = False,
    checkpoint: "Checkpoint | None" = None,
) -> "tuple[Loaded, Input]":
    """Return the loaded model and the encoded sentences, as they are before any edit. ``apart`` says that the sentences
    cannot have been meant as one; ``checkpoint`` is that of the model, where it was found already.

    Raises:
        UsageError: unusable sentences, or a layer, head or token that is not there.
        ModelError: the model or its tokenizer cannot be loaded.
    """
    sentences = sentences_of(text, terminal, apart=apart)
    checkpoint = checkpoint or find(spec, terminal)
    check_before_loading(checkpoint, sentences, spec, selection, edits)
    tokenizer = tokenizer_of(checkpoint, terminal)
    batch = encode_sentences(checkpoint, tokenizer, sentences, text, terminal, spec=spec)
    if focus is not None:
        focus.check(batch, heads=checkpoint.heads)
    check_tokens(batch, edits)
    with terminal.waiting("loading torch and the model"):
        return load(checkpoint, spec, terminal, tokenizer=tokenizer), batch


def find(spec: "ModelSpec", terminal: Terminal, *, notice: "Notice | None" = None) -> "Checkpoint":
    """Find the checkpoint, without torch; ``--verbose`` tells where. What is unusual about it goes to ``notice``, or to
    stderr.

    Raises:
        ModelError: it is not there, or is not a BERT.
        UsageError: the current folder is gone.
    """
    from ..loading.hub import check_environment, keep_off_the_network
    from ..loading.locate import locate

    try:
        os.getcwd()  # transformers asks for it, and cannot be imported without  # noqa: PTH109
    except OSError as error:
        raise UsageError("the current folder no longer exists", "change to another folder: cd") from error
    if spec.download:
        check_environment()
    else:
        keep_off_the_network()
    found = locate(spec, notice=notice or terminal.say)
    terminal.detail(f"model {found.name}: {found.folder or 'built in'}, weights {found.weights}")
    return found


def load(
    checkpoint: "Checkpoint",
    spec: "ModelSpec",
    terminal: Terminal,
    *,
    tokenizer: Any = None,
    notice: "Notice | None" = None,
) -> "Loaded":
    """Load the model; imports torch. What is unusual about its weights goes to ``notice``, or to stderr; by the
    tokenizer the model's answers name tokens.

    Raises:
        ModelError: it cannot be loaded.
    """
    from ..loading import model

    return replace(model.load(checkpoint, spec, notice=notice or terminal.say), tokenizer=tokenizer)


def check_before_loading(
    checkpoint: "Checkpoint",
    sentences: "Sentences",
    spec: "ModelSpec",
    selection: "Selection | None",
    edits: "Sequence[Edit]" = (),
) -> None:
    """Refuse what the configuration alone shows to be impossible.

    Raises:
        UsageError: a layer, head, neuron or label that the model does not have, or sentences that are not for its task.
    """
    from ..capture.task_inputs import check_for_task
    from ..loading.classes import check_attention
    from ..traces.edits import check_edits

    check_attention(checkpoint.family, spec.attention)
    if selection is not None:
        selection.check_layers(checkpoint.layers)
    check_edits(edits, checkpoint.sizes)
    if any(edit.kind != "token" for edit in edits):
        check_weights(spec, what="numbers to edit")
    names, several = checkpoint.label_names(spec.num_labels), checkpoint.gives_several_labels
    check_for_task(checkpoint.head, sentences, names=names, several=several)


def check_tokens(batch: "Input", edits: "Sequence[Edit]") -> None:
    """Refuse edits of tokens that are not there, or of which one leaves nothing of another.

    Raises:
        UsageError: names those that are there, or the token.
    """
    from ..traces.edited_input import check_token_edits

    check_token_edits(batch, edits)


def check_weights(spec: "ModelSpec", *, what: str = "numbers") -> None:
    """Refuse to run a model that has no weights, where more than shapes is asked for.

    Raises:
        UsageError: it has none.
    """
    if spec.weights == "none":
        raise UsageError(f"without weights there are no {what}, only shapes", "leave --weights none out")


def tokenizer_of(checkpoint: "Checkpoint", terminal: Terminal) -> Any:
    """Return the checkpoint's tokenizer, without torch; what is unusual about it is said on stderr.

    Raises:
        ModelError: it cannot be loaded.
    """
    from ..loading.tokenizer import load_tokenizer

    return load_tokenizer(checkpoint, notice=terminal.say)


def encode_sentences(
    checkpoint: "Checkpoint",
    tokenizer: Any,
    sentences: "Sentences",
    text: TextOptions,
    terminal: Terminal,
    *,
    spec: "ModelSpec",
) -> "Input":
    """Tokenize, without torch, and say on stderr what was cut, is not in the vocabulary or is empty.

    Raises:
        UsageError: a sentence is too long.
    """
    from ..capture.encode import encode, token_limit
    from ..capture.task_inputs import class_names_for, fills_masks, worth_saying
    from ..traces.sentences import cut_in_words, cuts

    names = class_names_for(checkpoint.head, sentences, checkpoint.label_names(spec.num_labels))
    limit = token_limit(tokenizer, checkpoint.positions, text.max_length)
    batch = encode(tokenizer, sentences, limit=limit, truncate=text.truncate, label_names=names)
    for number in range(len(batch.texts)):
        if told := cut_in_words(batch, number):
            words = [word for cut in cuts(batch, number) for word in cut.words]
            shown = " ".join(words[:8]) + (f" ... ({len(words) - 8} more)" if len(words) > 8 else "")
            terminal.say(f"sentence {number + 1}: {told} to keep to {limit}" + (f": {shown}" if shown else ""))
    for number in range(len(batch.texts)):
        _say_what_is_odd(batch, number, tokenizer, terminal, masks=fills_masks(checkpoint.head))
    for note in worth_saying(checkpoint.head, sentences, tokenizer.mask_token):
        terminal.say(in_flags(note))
    for number, sentence in enumerate(sentences.texts, start=1):
        if not sentence.strip():
            terminal.say(f"sentence {number} is blank: only the special tokens go in")
    return batch


def _say_what_is_odd(batch: "Input", number: int, tokenizer: Any, terminal: Terminal, *, masks: bool) -> None:
    """Say on stderr what the tokenizer made of a sentence that its reader may not expect; masks are expected where the
    model fills them.
    """
    from ..capture.odd_text import lost_characters, typed_special_tokens, unknown_words, why_unknown
    from ..loading.notices import short

    which = f"sentence {number + 1}"
    if words := list(dict.fromkeys(unknown_words(batch, number, tokenizer))):
        told = [(short(word), why_unknown(word, tokenizer)) for word in words[:_NAMED]]
        shown = ", ".join(f"{word} ({why})" if why else word for word, why in told)
        more = f" ... ({len(words) - _NAMED} more)" if len(words) > _NAMED else ""
        terminal.say(f"{which}: not in the vocabulary, so the model sees {tokenizer.unk_token}: {shown}{more}")
    expected = {tokenizer.mask_token} if masks else set()
    if typed := [word for word in typed_special_tokens(batch, number, tokenizer) if word not in expected]:
        pair = ": for two sentences use --pair" if tokenizer.sep_token in typed and batch.pairs is None else ""
        terminal.say(f"{which}: {', '.join(typed)} in the text is taken as the special token, not as text{pair}")
    if batch.texts[number].strip() and (lost := lost_characters(batch, number)):
        shown = ", ".join(f"U+{ord(sign):04X}" for sign in lost[:_NAMED]) + (" ..." if len(lost) > _NAMED else "")
        terminal.say(f"{which}: the tokenizer drops {shown}: no token stands for it")


_NAMED = 8
"""How many words, or characters, of a sentence are named."""
