"""What a task asks of the sentences, checked before anything slow starts, and what is worth saying about them."""

from collections.abc import Iterator, Sequence

from ..errors import UsageError
from ..families.heads import (
    MASKED_LM,
    MULTIPLE_CHOICE,
    NEXT_SENTENCE,
    PRE_TRAINING,
    QUESTION_ANSWERING,
    SENTENCE_ORDER,
    SEQUENCE_CLASSIFICATION,
    Head,
)
from .encode import Sentences, check_labels, class_indices

_LABELS_OF_SENTENCES = {SEQUENCE_CLASSIFICATION.task, NEXT_SENTENCE.task, MULTIPLE_CHOICE.task}
_OF_TWO_TEXTS = (NEXT_SENTENCE, PRE_TRAINING, SENTENCE_ORDER)
_FILLS_MASKS = (MASKED_LM, PRE_TRAINING, SENTENCE_ORDER)


def check_for_task(head: Head, sentences: Sentences, *, names: Sequence[str], several: bool) -> None:
    """Refuse sentences that a head can do nothing with: choices where there is no choice, none where there is one,
    labels that it has no class for. ``names`` are those of the model's classes, ``several`` says that a sentence may
    have several.

    Raises:
        UsageError: says what the head takes.
    """
    choices = sentences.choices
    if head is MULTIPLE_CHOICE and not choices:
        raise UsageError(
            "this model chooses between several texts that may follow one", "give each of them with `choices`"
        )
    if choices is not None and head is not MULTIPLE_CHOICE:
        raise UsageError(
            f"choices are for a model of multiple choice, and this one is for {head.task}",
            'leave `choices` out, or read it with `task="multiple-choice"`',
        )
    if sentences.labels is None:
        return
    if head.task not in _LABELS_OF_SENTENCES:
        raise UsageError(f"a label of a whole sentence gives no loss for {head.task}", "leave `labels` out")
    known = class_names_for(head, sentences, names)
    check_labels(class_indices(sentences.labels, known), num_labels=len(known), several=several)


def class_names_for(head: Head, sentences: Sentences, names: Sequence[str]) -> Sequence[str]:
    """Return the names of the classes that a label may be of: the choices, two numbers for a next sentence, else the
    model's own.
    """
    if head is MULTIPLE_CHOICE:
        return sentences.choices or ()
    return ("0", "1") if head is NEXT_SENTENCE else names


def fills_masks(head: Head) -> bool:
    """Whether a head predicts the tokens at masks."""
    return head in _FILLS_MASKS


def worth_saying(head: Head, sentences: Sentences, mask: str | None) -> Iterator[str]:
    """Yield what the user of a head may have meant otherwise; ``mask`` is the tokenizer's own mask token."""
    texts = [*sentences.texts, *(sentences.pairs or ())]
    if fills_masks(head) and (mask is None or not any(mask in text for text in texts)):
        hint = f": write {mask} where a token is to be predicted" if mask is not None else ""
        yield f"there is no mask in the text, so nothing is predicted{hint}"
    if head in _OF_TWO_TEXTS and sentences.pairs is None:
        yield "this head compares two texts, and there is one only: `pairs` gives the second"
    if head is QUESTION_ANSWERING and sentences.pairs is None:
        yield "there is only one text, so the answer is looked for in the question itself: `pairs` gives the context"
    if head is MULTIPLE_CHOICE and len(sentences.choices or ()) == 1:
        yield "there is only one choice, so it gets 100 % whatever the model is: give more of them with `choices`"
