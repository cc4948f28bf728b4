"""What `make docs` writes is what is there, and shows all that the tutorial shows."""

import re
import runpy
from pathlib import Path

import bert_inspect

ROOT = Path(bert_inspect.__file__).parent.parent
DOCS = ROOT / "docs"
TEXT = (DOCS / "inner-workings.md").read_text()

MODULES = [
    *("BertForSequenceClassification", "bert: BertModel", "embeddings: BertEmbeddings", "encoder: BertEncoder"),
    *("layer.0: BertLayer()  (layers 0 to 11 are alike)", "attention: BertAttention", "self: BertSelfAttention"),
    *("output: BertSelfOutput", "intermediate: BertIntermediate", "output: BertOutput", "pooler: BertPooler"),
    "word_embeddings: Embedding(28996, 768, padding_idx=0)",
    "position_embeddings: Embedding(512, 768)",
    "token_type_embeddings: Embedding(2, 768)",
    "LayerNorm: LayerNorm((768,), eps=1e-12",
    "dropout: Dropout(p=0.1",
    "query: Linear(in_features=768, out_features=768",
    "key: Linear(in_features=768, out_features=768",
    "value: Linear(in_features=768, out_features=768",
    "dense: Linear(in_features=768, out_features=3072",
    "dense: Linear(in_features=3072, out_features=768",
    "intermediate_act_fn: GELUActivation()",
    "activation: Tanh()",
    "classifier: Linear(in_features=768, out_features=2",
    "Modules that no forward called: `bert.encoder.layer.*.attention.self.dropout`",
]
"""The layers that the tutorial lists, with what they are made with."""
INPUT = [
    "101 146 1567 11771 106 102 0 0 0",
    "101 1124 18457 10194 11478 7136 13473 119 102",
    "1 1 1 1 1 1 0 0 0",
    "| labels | [2] |  | 1 0 |",
    "[CLS] I love cats ! [SEP] [PAD] [PAD] [PAD]",
    "| layers | 12 |",
    "| hidden size | 768 |",
    "| head size | 64 |",
]
SHAPES = {
    "position ids": [1, 9],
    "word embeddings": [2, 9, 768],
    "position embeddings": [1, 9, 768],
    "token type embeddings": [2, 9, 768],
    "sum of embeddings": [2, 9, 768],
    "query projection": [2, 9, 768],
    "key projection": [2, 9, 768],
    "value projection": [2, 9, 768],
    "query heads": [2, 12, 9, 64],
    "key heads": [2, 12, 9, 64],
    "value heads": [2, 12, 9, 64],
    "key transposed": [2, 12, 64, 9],
    "attention scores": [2, 12, 9, 9],
    "scaled attention scores": [2, 12, 9, 9],
    "attention probabilities": [2, 12, 9, 9],
    "attention dropout": [2, 12, 9, 9],
    "context": [2, 12, 9, 64],
    "context permuted": [2, 9, 12, 64],
    "context reshaped": [2, 9, 768],
    "attention output projection": [2, 9, 768],
    "intermediate projection": [2, 9, 3072],
    "gelu activation": [2, 9, 3072],
    "output projection": [2, 9, 768],
    "first token [CLS]": [2, 768],
    "pooler projection": [2, 768],
    "tanh activation": [2, 768],
    "logits": [2, 2],
}
"""The shapes that the tutorial prints."""


def test_the_documents_are_what_make_docs_writes(tmp_path: Path) -> None:
    runpy.run_path(str(DOCS / "make.py"))["make"](tmp_path)
    made = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    there = {
        file.relative_to(DOCS) for file in DOCS.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")
    }
    assert made == there - {Path("profile.md")}  # which people write
    for name in made:
        assert (DOCS / name).read_text() == (tmp_path / name).read_text()


def test_all_that_the_tutorial_shows_is_there() -> None:
    for told in (*MODULES, *INPUT, "cats!", "He hates pineapple pizza."):
        assert told in TEXT, told
    for label, shape in SHAPES.items():
        written = f"`{shape}`"
        assert re.search(rf"^\| {re.escape(label)}( \(no-op\))? \|.* {re.escape(written)} \|$", TEXT, re.MULTILINE), (
            label
        )
    assert len(re.findall(r"^## \d", TEXT, re.MULTILINE)) == 28 and "cross_entropy" in TEXT


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]*)\)", TEXT):
        assert f'<a id="{link[1:]}"></a>' in TEXT if link.startswith("#") else (DOCS / link).is_file()
