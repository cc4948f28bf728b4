"""The options that several commands share, each declared once."""

from typing import Annotated, Literal

import typer

Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT", help="Sentences; '-', or nothing with a pipe on stdin: one a line.", show_default=False
    ),
]
TraceFile = Annotated[str, typer.Argument(metavar="TRACE", help="A trace that run saved with -o.")]
SavedTrace = Annotated[
    str | None, typer.Option("--trace", metavar="FILE", help="Use a saved trace in place of sentences.")
]

Pair = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="The second sentence of a pair: once, or once per sentence."),
]
Labels = Annotated[str | None, typer.Option(metavar="1,0", help="One class index per sentence: adds the loss.")]
MaxLength = Annotated[int | None, typer.Option(min=1, metavar="N", help="The most tokens a sentence may have.")]
Truncate = Annotated[bool, typer.Option("--truncate", help="Cut longer sentences, and say what was cut.")]

ModelName = Annotated[
    str, typer.Option("--model", metavar="NAME_OR_DIR", help="A folder, a built-in name, or a name in the local cache.")
]
Download = Annotated[bool, typer.Option("--download", help="Allow the network; nothing else opens a connection.")]
Weights = Annotated[
    Literal["auto", "pretrained", "random", "none"],
    typer.Option(help="Pretrained if they lie here, else random; none: shapes only."),
]
NumLabels = Annotated[int | None, typer.Option(min=1, metavar="N", help="Classes of a newly drawn classifier.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Seed of what is newly drawn.")]
Attention = Annotated[
    Literal["eager", "sdpa"], typer.Option(help="Eager computes scores and probabilities step by step.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="Where the model runs.")]
Dtype = Annotated[
    Literal["float32", "float64", "bfloat16", "float16"] | None,
    typer.Option(help="The precision; the checkpoint's own if not given.", show_default=False),
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Load a checkpoint that lacks more than the classifier.")
]

Layer = Annotated[str | None, typer.Option(metavar="SPEC", help="Encoder layers from 0: 3 or 0,11 or 2-4.")]
Module = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Module paths: '**.attention.self', 'bert.pooler.**'."),
]
Level = Annotated[Literal["module", "op"], typer.Option(help="With or without the functional steps.")]
Depth = Annotated[int | None, typer.Option(min=1, metavar="N", help="Cut the tree below this depth.")]
Fold = Annotated[bool, typer.Option("--fold", help="Show equal layers once.")]
Stats = Annotated[bool, typer.Option("--stats", help="Statistics of each tensor.")]
ShowValues = Annotated[bool, typer.Option("--values", help="Values: cut on screen, complete in exports.")]
Axes = Annotated[bool, typer.Option("--axes", help="Name the axes of each shape at any width.")]

Verify = Annotated[
    bool, typer.Option("--verify", help="Prove the trace: every step is run again; exit 1 if one differs.")
]
All = Annotated[bool, typer.Option("--all", help="A line for every step, not for every part of the model.")]
Atol = Annotated[
    float | None, typer.Option(min=0.0, metavar="X", help="Allow this difference, in place of the noise floor.")
]
Rtol = Annotated[
    float | None, typer.Option(min=0.0, metavar="X", help="Allow this part of a number, in place of the noise floor.")
]

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout in place of the picture.")]
OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="The JSON to a file too; '-' is stdout.")
]

Quiet = Annotated[bool, typer.Option("--quiet", help="No notices on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="More notices on stderr.")]
Color = Annotated[Literal["auto", "always", "never"], typer.Option(help="Colour.")]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Never open a pager.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
