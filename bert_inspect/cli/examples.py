"""Three examples for each command, as its help shows them: command lines that work, and what each does."""

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "run": (
        ('bert-inspect run "I love cats!"', "the whole forward pass as a tree"),
        (
            'bert-inspect run "I love cats!" --module attention.self --values',
            "attention of every layer, with values",
        ),
        ("bert-inspect run --input sentences.txt -o traces.jsonl", "a file of sentences, a batch of them a line"),
    ),
    "show": (
        ("bert-inspect show trace.json", "the tree of a saved trace"),
        ("bert-inspect show trace.json --layer 0 --stats", "one layer of it, with statistics"),
        ("bert-inspect show traces.jsonl --line 1", "one of many traces"),
    ),
    "tokens": (
        ('bert-inspect tokens "I love cats!"', "each token with its id, word and place in the text"),
        ('bert-inspect tokens "I love cats!" --model bert-base-cased', "the tokens of another model"),
        ('bert-inspect tokens "I love cats!" --pair "So do I." --json', "two sentences in two segments, as JSON"),
    ),
    "model": (
        ("bert-inspect model", "the default model's components"),
        ("bert-inspect model bert-base-cased --depth 3", "another model's, down to a depth of 3"),
        ("bert-inspect model bert-tiny --json", "the same as JSON"),
    ),
    "source": (
        ('bert-inspect source attention.self "I love cats!"', "the code of self-attention beside its tensors"),
        ('bert-inspect source BertPooler "I love cats!" --stats', "a module by its class, with statistics"),
        ("bert-inspect source intermediate --trace trace.json", "the same from a saved trace"),
    ),
    "diagram": (
        ('bert-inspect diagram "I love cats!"', "the dataflow in the terminal"),
        ('bert-inspect diagram "I love cats!" --module attention.self', "the dataflow inside of one module"),
        ('bert-inspect diagram "I love cats!" -o pass.svg', "a picture for a document"),
    ),
    "attention": (
        ('bert-inspect attention "I love cats!"', "a summary of every head"),
        ('bert-inspect attention "I love cats!" --layer 5 --head 3', "the heatmap of one head"),
        ('bert-inspect attention "I love cats!" -o attention.svg', "a picture of all heads"),
    ),
    "report": (
        ('bert-inspect report "I love cats!"', "everything on one page, report.html"),
        ('bert-inspect report "I love cats!" --stats -o cats.html', "with statistics, under another name"),
        ("bert-inspect report --trace trace.json", "the page of a saved trace"),
    ),
    "walk": (
        ('bert-inspect walk "I love cats!"', "the guided tour of one pass, station by station"),
        ('bert-inspect walk "I love cats!" --station scaling', "one station: its name, a part of it, or its number"),
        ('bert-inspect walk "I love cats!" -o walk.html', "all of it on one page; walk.ipynb is a notebook to run"),
    ),
    "explore": (
        ('bert-inspect explore "I love cats!"', "the whole run on a full screen; ? lists the keys"),
        ("bert-inspect explore --trace trace.json", "a saved trace, which opens at once"),
        ('bert-inspect explore "I love cats!" --model bert-base-cased', "another model"),
    ),
    "explain": (
        ('bert-inspect explain "I love cats!"', "what each token contributes to the answer"),
        ('bert-inspect explain "I love cats!" --by component', "what each head and feed-forward part contributes"),
        ("bert-inspect explain --input sentences.txt -o why.jsonl", "a file of sentences, one a line"),
    ),
    "cell": (
        ('bert-inspect cell logits "I love cats!"', "the largest logit, term by term"),
        (
            'bert-inspect cell "attention scores" "I love cats!" --layer 3',
            "one attention score and what becomes of it",
        ),
        ("bert-inspect cell probabilities --trace trace.json --depth 2", "an answer and where it comes from"),
    ),
    "ablate": (
        ('bert-inspect ablate "I love cats!"', "each head in turn: what becomes of the answer without it"),
        ('bert-inspect ablate "I love cats!" --each word', "each word masked in turn"),
        ('bert-inspect ablate "I love cats!" --each layer --how mean', "each layer replaced by its mean"),
    ),
    "patch": (
        ('bert-inspect patch "I love cats!" "I hate cats!"', "which hidden states bring the clean answer back"),
        ('bert-inspect patch "I love cats!" "I hate cats!" --each head', "which heads do"),
        (
            'bert-inspect patch "I love cats!" "I hate cats!" --direction noising',
            "which hidden states the answer needs",
        ),
    ),
    "doctor": (
        ("bert-inspect doctor", "the default model, with two sentences of its own"),
        ('bert-inspect doctor "I love cats!" --only padding,precision', "two questions about your sentence"),
        ("bert-inspect doctor --model bert-tiny --json", "the verdicts on another model as JSON"),
    ),
    "diff": (
        ("bert-inspect diff a.json b.json", "the first step that differs, and where it counts"),
        ("bert-inspect diff a.json b.json --all --layer 0", "every step of one layer"),
        ("bert-inspect diff a.json b.json --explain", "the cause too: loads the model of a.json"),
    ),
    "compare": (
        ('bert-inspect compare "I love cats!" --b attention=sdpa', "eager attention beside fused attention"),
        ('bert-inspect compare "I love cats!" --b dtype=bfloat16', "what another precision changes"),
        ('bert-inspect compare --a text="I love cats!" --b text="I hate cats!"', "two sentences"),
    ),
    "profile": (
        ("bert-inspect profile --input sentences.txt -o profile.json", "what the activations do over a whole file"),
        ("bert-inspect profile --input sentences.txt --shard 1/4 -o 1.json", "a quarter of it, on this machine"),
        ("bert-inspect profile --input sentences.txt --layer 3 --examples", "what drives the units of one layer"),
    ),
    "profile merge": (
        ("bert-inspect profile merge 1.json 2.json -o profile.json", "two shards as one profile"),
        ("bert-inspect profile merge 1.json 2.json --json > profile.json", "the same into a pipe or a file"),
        ("bert-inspect profile merge 1.json 2.json", "what they hold together"),
    ),
    "profile show": (
        ("bert-inspect profile show profile.json", "outliers, heads, dead units, what int8 would lose"),
        ("bert-inspect profile show profile.json -o profile.html", "all of it on one page"),
        ("bert-inspect profile show profile.json --unit layer.3.neuron.12", "the tokens that drive one unit most"),
    ),
    "profile diff": (
        ("bert-inspect profile diff before.json after.json", "what fine-tuning moved"),
        ("bert-inspect profile diff news.json reviews.json", "the same model on two corpora"),
        ("bert-inspect profile diff before.json after.json --layer 5", "the steps of one layer"),
    ),
    "schema": (
        ("bert-inspect schema", "the JSON Schema of a trace"),
        ("bert-inspect schema cell", "that of a cell"),
        ("bert-inspect schema > trace.schema.json", "the trace's in a file"),
    ),
}
"""By command."""
