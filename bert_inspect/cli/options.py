"""The options that several commands share, each declared once, and the groups in which commands take them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import typer

from ..errors import UsageError
from ..loading.spec import DEFAULT_MODEL, DEFAULT_SEED, ModelSpec, dtype_named
from ..loading.spec import Attention as AttentionName
from ..loading.spec import Dtype as DtypeName
from ..loading.spec import Task as TaskName
from ..loading.spec import Weights as WeightsName
from ..terminal import Color as ColorName
from ..terminal import Terminal
from . import complete, help

if TYPE_CHECKING:
    from ..render.cells import View
    from ..traces.edits import Edit
    from ..traces.focus import Focus
    from ..traces.selection import Selection

Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT", help="Sentences; '-', or none with a pipe on stdin, reads one per line.", show_default=False
    ),
]
TraceFile = Annotated[str, typer.Argument(metavar="TRACE", help="A trace that run saved with -o.")]
SavedTrace = Annotated[
    str | None, typer.Option("--trace", metavar="FILE", help="Use a saved trace in place of sentences.")
]
Pair = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="The second text of a pair, or a question's context: once, or once per sentence."
    ),
]
Choice = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A text that may follow the one sentence (multiple choice); may be repeated."),
]
Labels = Annotated[
    str | None,
    typer.Option(metavar="1,0", help="One class per sentence, by index or name ('a+b': several): adds the loss."),
]
MaxLength = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="The most tokens a sentence may have, up to the model's positions."),
]
Truncate = Annotated[bool, typer.Option("--truncate", help="Cut longer sentences, and say what was cut.")]

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        envvar=complete.MODEL_VARIABLE,
        autocompletion=complete.models,
        metavar="NAME_OR_DIR",
        help="A folder, a built-in name, or a name in the local cache.",
    ),
]
_TASKS = ", ".join(name for name in get_args(TaskName) if name != "auto")
Task = Annotated[
    TaskName,
    typer.Option(
        help=f"Read the model with the head for {_TASKS}; auto: the head that it was saved with.",
        metavar="NAME",
        show_choices=False,
    ),
]
Download = Annotated[bool, typer.Option("--download", help="Allow the network, which is never used otherwise.")]
Weights = Annotated[
    WeightsName, typer.Option(help="auto: pretrained if on this machine, else random; none: shapes only.")
]
NumLabels = Annotated[int | None, typer.Option(min=1, metavar="N", help="Classes of a newly initialized classifier.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of newly initialized weights.")]
Attention = Annotated[AttentionName, typer.Option(help="Only eager computes scores and probabilities step by step.")]
Device = Annotated[str, typer.Option(metavar="NAME", help="The device that the model runs on.")]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"The precision: {', '.join(get_args(DtypeName))}, or fp16, bf16 ...; else the checkpoint's own.",
        show_default=False,
        autocompletion=complete.precisions,
    ),
]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="Load a checkpoint that lacks more than the head.")]

Layer = Annotated[str | None, typer.Option(metavar="SPEC", help="Encoder layers from 0: 3 or 0,11 or 2-4.")]
Module = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Modules with all below: a path, its end, a glob ('**.self'), a class.",
        autocompletion=complete.modules,
    ),
]
Level = Annotated[Literal["module", "op"], typer.Option(help="With or without the functional steps.")]
Depth = Annotated[int | None, typer.Option(min=1, metavar="N", help="Cut the tree below this depth.")]
Fold = Annotated[bool, typer.Option("--fold", help="Show equal layers once.")]
Stats = Annotated[bool, typer.Option("--stats", help="Statistics of each tensor.")]
Head = Annotated[int | None, typer.Option(min=0, metavar="N", help="Of --values: this head, not the first.")]
Token = Annotated[
    str | None, typer.Option(metavar="TEXT|N", help="Of --values: this token alone, by its text or its place from 0.")
]
ShowValues = Annotated[bool, typer.Option("--values", help="Values: cut on screen, complete in exports.")]
Padding = Annotated[bool, typer.Option("--padding", help="Show padding in matrices too.", rich_help_panel=help.SHOW)]
Axes = Annotated[bool, typer.Option("--axes", help="Name the axes of each shape at any width.")]

Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Prove the trace: every step is run again; exit 1 if one differs.", rich_help_panel=help.SHOW
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="One line per step, not one per part of the model.", rich_help_panel=help.SHOW)
]
Atol = Annotated[
    float | None, typer.Option(min=0.0, metavar="X", help="Allow this difference, in place of the rounding tolerance.")
]
Rtol = Annotated[
    float | None,
    typer.Option(min=0.0, metavar="X", help="Allow this relative difference, in place of the rounding tolerance."),
]

Ablate = Annotated[
    list[str] | None,
    typer.Option(
        "--ablate",
        metavar="SPEC[=HOW]",
        help="Take away layer.3, layer.3.attention, layer.3.intermediate, layer.3.head.7, layer.3.neuron.12 (=HOW in "
        "its place: mean, mean:PROFILE, resample:TEXT or a number that scales), token.4 or token:pizza (=drop: leave "
        "it out). May be repeated: --ablate layer.3.head.7=mean --ablate token:pizza",
    ),
]

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout in place of the picture.")]
OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="The JSON to a file too; '-' is stdout.")
]

Quiet = Annotated[bool, typer.Option("--quiet", help="No notices on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="More notices on stderr.")]
Color = Annotated[ColorName, typer.Option(help="When to use colour.")]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Never open a pager.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@dataclass(frozen=True, kw_only=True)
class TextOptions:
    """The sentences, or a saved trace in their place."""

    panel: ClassVar = help.INPUT

    texts: Texts = None
    trace: SavedTrace = None
    pair: Pair = None
    choice: Choice = None
    labels: Labels = None
    max_length: MaxLength = None
    truncate: Truncate = False


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The model: what `ModelSpec` holds."""

    panel: ClassVar = help.MODEL

    name: ModelName = DEFAULT_MODEL
    task: Task = "auto"
    download: Download = False
    weights: Weights = "auto"
    num_labels: NumLabels = None
    seed: Seed = DEFAULT_SEED
    attention: Attention = "eager"
    device: Device = "cpu"
    dtype: Dtype = None
    allow_missing: AllowMissing = False

    def spec(self, **changes: Any) -> ModelSpec:
        """Return what to load; ``changes`` are what the command decides itself."""
        dtype = None if self.dtype is None else dtype_named(self.dtype)
        return ModelSpec(**{**vars(self), "dtype": dtype, **changes})


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """What is taken away or changed in the run."""

    panel: ClassVar = help.EDIT

    ablate: Ablate = None

    def edits(self) -> "tuple[Edit, ...]":
        """Return the edits.

        Raises:
            UsageError: one is not written as an edit.
        """
        from ..traces.edits import parse_edits

        return parse_edits(self.ablate or ())


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Which steps are wanted."""

    panel: ClassVar = help.FILTER

    layer: Layer = None
    module: Module = None
    level: Level = "op"

    def selection(self) -> "Selection":
        """Return the selection.

        Raises:
            UsageError: the layers are not written as ``3``, ``0,11`` or ``2-4``.
        """
        from ..traces.selection import Selection

        return Selection.parse(layer=self.layer, module=self.module or (), level=self.level)


@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """Which steps of a comparison are shown. All are compared."""

    panel: ClassVar = help.FILTER

    layer: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Show these layers only, of all that are compared: 3 or 0,11.")
    ] = None
    module: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Show these modules only, of all that are compared: attention.self.",
            autocompletion=complete.modules,
        ),
    ] = None

    def selection(self) -> "Selection":
        """Return the selection, as `SelectionOptions` does."""
        return SelectionOptions(layer=self.layer, module=self.module).selection()


@dataclass(frozen=True, kw_only=True)
class ComparedOptions(SelectionOptions):
    """Which steps are recorded and compared. The others are not."""

    layer: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Record and compare these layers only: 3 or 0,11 or 2-4.")
    ] = None
    module: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Record and compare these modules only: attention.self.",
            autocompletion=complete.modules,
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ToleranceOptions:
    """What difference is allowed."""

    panel: ClassVar = help.COMPARE

    atol: Atol = None
    rtol: Rtol = None


@dataclass(frozen=True, kw_only=True)
class ViewOptions:
    """How the steps are shown."""

    panel: ClassVar = help.SHOW

    depth: Depth = None
    fold: Fold = False
    stats: Stats = False
    values: ShowValues = False
    head: Head = None
    token: Token = None
    axes: Axes = False
    padding: Padding = False

    def view(self) -> "View":
        """Return the view."""
        from ..render.cells import View

        focus = self.focus()
        given = {name: value for name, value in vars(self).items() if name not in ("head", "token")}
        return View(**given, focus=focus)

    def focus(self) -> "Focus":
        """Return which head and token the values are shown of.

        Raises:
            UsageError: one is named, and values are not asked for.
        """
        from ..traces.focus import Focus

        if not self.values and (self.head is not None or self.token is not None):
            which = "--token" if self.head is None else "--head"
            raise UsageError(f"{which} chooses what --values shows", "add --values")
        return Focus(head=self.head, token=self.token)


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the JSON goes, if it is wanted."""

    panel: ClassVar = help.SAVE

    json: Json = False
    output: OutputFile = None

    @property
    def file(self) -> str | None:
        """The file to write, if there is one."""
        return None if self.output == "-" else self.output

    @property
    def to_stdout(self) -> bool:
        """Whether JSON takes the picture's place on stdout."""
        return self.json or self.output == "-"


@dataclass(frozen=True, kw_only=True)
class TerminalOptions:
    """How to talk to the user. ``--debug`` is read by the program's entry, which reports errors."""

    panel: ClassVar = help.TERMINAL

    quiet: Quiet = False
    verbose: Verbose = False
    color: Color = "auto"
    no_pager: NoPager = False
    debug: Debug = False

    def terminal(self) -> Terminal:
        """Return the terminal."""
        return Terminal(color=self.color, quiet=self.quiet, verbose=self.verbose, pager=not self.no_pager)
