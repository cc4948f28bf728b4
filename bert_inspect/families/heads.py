"""What is known of each head, as data: its task, the class that has it, what it returns."""

from dataclasses import dataclass

from ..traces.vocabulary import known_as


@dataclass(frozen=True, kw_only=True)
class Head:
    """A head on a body, or that there is none.

    Attributes:
        task: what it is for, by the names of transformers' pipelines where there is one.
        name: how people call a model that has it: "BERT for ``name``"; empty where it has none.
        suffix: how the name of the class goes on after that of the family: ``ForMaskedLM``.
        returns: the tensors that the class returns besides the loss, by transformers' names and in its order.
        takes_labels: its classes have names, in the configuration's ``id2label``.
        classes: what its classes are called where no configuration names them.
    """

    task: str
    name: str
    suffix: str
    returns: tuple[str, ...] = (known_as.LOGITS,)
    takes_labels: bool = False
    classes: tuple[str, ...] = ()


SEQUENCE_CLASSIFICATION = Head(
    task="text-classification",
    name="sequence classification",
    suffix="ForSequenceClassification",
    takes_labels=True,
)
TOKEN_CLASSIFICATION = Head(
    task="token-classification", name="token classification", suffix="ForTokenClassification", takes_labels=True
)
QUESTION_ANSWERING = Head(
    task="question-answering",
    name="question answering",
    suffix="ForQuestionAnswering",
    returns=(known_as.START_LOGITS, known_as.END_LOGITS),
)
MASKED_LM = Head(task="fill-mask", name="masked language modeling", suffix="ForMaskedLM")
NO_HEAD = Head(
    task="feature-extraction",
    name="",
    suffix="Model",
    returns=(known_as.LAST_HIDDEN_STATE, known_as.POOLER_OUTPUT),
)
MULTIPLE_CHOICE = Head(task="multiple-choice", name="multiple choice", suffix="ForMultipleChoice")
NEXT_SENTENCE = Head(
    task="next-sentence-prediction",
    name="next sentence prediction",
    suffix="ForNextSentencePrediction",
    classes=("next sentence", "not next"),
)
"""Class 0 says that the second text continues the first (``BertForPreTraining``)."""
PRE_TRAINING = Head(
    task="pre-training",
    name="pre-training",
    suffix="ForPreTraining",
    returns=(known_as.PREDICTION_LOGITS, known_as.SEQ_RELATIONSHIP_LOGITS),
    classes=NEXT_SENTENCE.classes,
)
"""Masked language modeling and next sentence prediction together."""
SENTENCE_ORDER = Head(
    task="pre-training",
    name="pre-training",
    suffix="ForPreTraining",
    returns=(known_as.PREDICTION_LOGITS, known_as.SOP_LOGITS),
    classes=("in order", "swapped"),
)
"""Masked language modeling and sentence order prediction, ALBERT's: class 0 says that both stand in their order."""
REPLACED_TOKENS = Head(
    task="pre-training",
    name="replaced token detection",
    suffix="ForPreTraining",
    classes=("original", "replaced"),
)
"""ELECTRA's discriminator: which tokens were put in by the generator."""

COMMON = (
    SEQUENCE_CLASSIFICATION,
    TOKEN_CLASSIFICATION,
    QUESTION_ANSWERING,
    MASKED_LM,
    NO_HEAD,
    MULTIPLE_CHOICE,
)
"""What transformers has for every family."""

TASKS = tuple(dict.fromkeys(head.task for head in (*COMMON, NEXT_SENTENCE, PRE_TRAINING)))
"""All tasks."""
