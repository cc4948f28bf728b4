"""The trace: everything recorded of one forward pass, as plain frozen data that knows neither torch nor rich."""

from typing import Any, Final, Literal

import msgspec

from ..safetext import safe_text
from .base import Record
from .output import Output
from .proof import Proof
from .values import Number, Values
from .vocabulary.axes import Axis

FORMAT: Final = "bert-inspect-trace"
VERSION = 1

Kind = Literal["module", "op"]


class Environment(Record, frozen=True, kw_only=True):
    """Versions of what made the trace."""

    bert_inspect: str
    python: str
    torch: str
    transformers: str


class Sizes(Record, frozen=True, kw_only=True):
    """The sizes of a model under the same names for every architecture; None where its configuration states none.
    ``embedding`` is the width of the embeddings where that may differ from the hidden states'.
    """

    layers: int | None = None
    hidden: int | None = None
    heads: int | None = None
    intermediate: int | None = None
    positions: int | None = None
    vocabulary: int | None = None
    token_types: int | None = None
    embedding: int | None = None


class Model(Record, frozen=True, kw_only=True):
    """The model that ran. ``initialised`` names the parameters drawn at random, ``parameters`` counts all, ``unused``
    names the tensors of its checkpoint that found no place in it.

    ``family`` is its architecture (``bert``), ``task`` what its head is for, by the names of transformers' pipelines;
    ``about`` says what a model is that the package carries. ``edits`` are those that were made in the run, as
    ``--ablate`` takes them (`bert_inspect.traces.edits`); those of tokens are in the input.
    """

    name: str
    class_: str = msgspec.field(name="class")
    source: Literal["builtin", "folder", "cache", "python"]
    weights: Literal["pretrained", "partial", "random", "none"]
    initialised: list[str]
    attention: str
    dtype: str
    device: str
    seed: int
    parameters: int
    config: dict[str, Any]
    family: str = ""
    task: str = ""
    sizes: Sizes = Sizes()
    about: str = ""
    unused: list[str] = []
    edits: list[str] = []


class Input(Record, frozen=True, kw_only=True):
    """The batch: one row a sentence, padded to the longest.

    ``offsets`` are character spans in the text (in the pair's text where `sides` says 1), ``words`` numbers the word
    that a token is part of (None: a special token), ``truncated`` counts the tokens cut from each sentence, ``lines``
    are the sentences' lines in the file that they were read from. ``text_ids`` says which text each token is from, for
    a tokenizer that does not say it in ``token_type_ids``. ``pieces`` says how a vocabulary spells its pieces, which
    `token_text` reads: each byte as a character, or the space as ``▁``; empty where they are text as they are.
    """

    texts: list[str]
    pairs: list[str] | None
    tokens: list[list[str]]
    offsets: list[list[tuple[int, int]]]
    words: list[list[int | None]] = []
    special: list[list[int]] = []
    decoded: list[str] = []
    input_ids: list[list[int]]
    token_type_ids: list[list[int]]
    attention_mask: list[list[int]]
    labels: list[int | float | list[int | float]] | None
    truncated: list[int]
    lines: list[int] = []
    text_ids: list[list[int]] = []
    pieces: Literal["", "byte-level", "metaspace"] = ""

    def sides(self, row: int) -> list[int]:
        """Return for each token of a row which text it is from: 1 is the second one of a pair."""
        return self.text_ids[row] if self.text_ids else self.token_type_ids[row]


class Stats(Record, frozen=True, kw_only=True):
    """Statistics in float64 over the finite entries.

    ``std`` is that of ``torch.Tensor.std`` (n - 1). A number that is not defined (nothing finite, or ``std`` of one
    entry) is None. ``nan``, ``inf`` and ``zeros`` are counts.
    """

    min: Number | None
    max: Number | None
    mean: Number | None
    std: Number | None
    nan: int
    inf: int
    zeros: int


class TensorIn(Record, frozen=True, kw_only=True):
    """A tensor that a step received. ``from`` is the step that it came from, None where it came from outside:
    ``parameter`` then names the model's parameter or buffer that it is, ``argument`` the argument that the model was
    called with.
    """

    name: str
    from_: int | None = msgspec.field(name="from")
    shape: list[int]
    dtype: str
    axes: list[Axis] | None
    parameter: str | None = None
    argument: str | None = None


class TensorOut(Record, frozen=True, kw_only=True):
    """A tensor that a step returned. ``tensor`` is its key in the file that ``--tensors`` writes, ``label`` what it is
    where a step returns several things that are not the same (empty: what the step's label says), ``unread`` why it has
    neither the statistics nor the values that were asked for, in words that go on after "it is" (empty: it has them).
    """

    name: str
    shape: list[int]
    dtype: str
    axes: list[Axis] | None
    stats: Stats | None = None
    values: Values | None = None
    tensor: str | None = None
    label: str = ""
    unread: str = ""


class Source(Record, frozen=True, kw_only=True):
    """The line of source that called the module or ran the op."""

    file: str
    line: int
    code: str


class Step(Record, frozen=True, kw_only=True):
    """One call of a module, or one functional operation.

    ``parameters`` and ``flops`` are the step's own: a parameter is counted in the first step that holds it, a matrix
    product in the innermost step that ran it, so both add up over the steps. ``total_parameters`` and ``total_flops``
    include everything below a module. ``role`` is what the module is, or that in whose forward the op ran, and ``part``
    the part of the model that it belongs to (`bert_inspect.traces.vocabulary.roles`). ``edited`` says that what it
    returned is not what it computed: an edit changed it before anything else saw it.
    """

    id: int
    parent: int | None
    kind: Kind
    path: str
    call: int
    type: str
    arguments: str
    layer: int | None
    label: str
    inputs: list[TensorIn]
    outputs: list[TensorOut]
    parameters: int
    flops: int
    total_parameters: int
    total_flops: int
    known_as: list[str]
    source: Source | None
    no_op: bool = False
    seconds: float | None = None
    failed: bool = False
    role: str = ""
    part: str = ""
    edited: bool = False


class Failure(Record, frozen=True, kw_only=True):
    """Why the forward stopped: the module in which it did, the exception, and the cause in plain words.

    ``step`` is the step that failed (it is marked ``failed`` too), ``tensor`` the name of the input that broke it,
    ``last_good`` the last step before it that was done; with a filter, of those that were kept.
    """

    path: str | None
    exception: str
    message: str
    cause: str
    step: int | None = None
    tensor: str | None = None
    last_good: int | None = None


class Trace(Record, frozen=True, kw_only=True):
    """Everything recorded of one forward pass.

    ``steps`` stands in the order in which forwards were entered and ops ran, and ``steps[i].id == i``. ``selection``
    holds the filters that were active at capture. ``output`` is None where no numbers were computed (shapes only) or
    the forward failed, of which ``failure`` then tells. ``proof`` is there where the run was verified.
    """

    format: Literal["bert-inspect-trace"]
    version: int
    environment: Environment
    model: Model
    input: Input
    selection: dict[str, str] = {}
    steps: list[Step]
    not_called: list[str]
    output: Output | None
    failure: Failure | None = None
    proof: Proof | None = None

    def __repr__(self) -> str:
        rows, tokens = len(self.input.tokens), len(self.input.tokens[0]) if self.input.tokens else 0
        return f"<Trace of {safe_text(self.model.name)}: {rows} x {tokens} tokens, {len(self.steps)} steps>"
