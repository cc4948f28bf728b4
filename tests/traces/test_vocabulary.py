"""Each word of a trace is written once: a label, role or part that is asked for is a constant, and each is used."""

import ast
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS, tiny_model

import bert_inspect
from bert_inspect import trace
from bert_inspect.families import FAMILIES
from bert_inspect.traces.ops import OPS
from bert_inspect.traces.vocabulary import labels, roles

PACKAGE = Path(bert_inspect.__file__).parent
ROLES = {value for name, value in vars(roles).items() if name.isupper() and isinstance(value, str)}
WORDS = {"label", "label_b", "role", "part"}
OWN = {"ops.py", "proof.py", "snapshot.py"}  # families of operations, names of checks, options of torch


@pytest.fixture(scope="module")
def nodes() -> dict[Path, list[ast.AST]]:
    """By file what its syntax tree is made of; the vocabulary's own files are left out."""
    files = [file for file in PACKAGE.rglob("*.py") if "vocabulary" not in file.parts]
    wanted = (ast.Constant, ast.Compare)
    return {
        file: [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, wanted)] for file in files
    }


@pytest.mark.slow
def test_labels_of_several_words_stand_in_the_vocabulary_alone(nodes: dict[Path, list[ast.AST]]) -> None:
    long = {label for label in labels.LABELS if " " in label}
    for file, inside in nodes.items():
        found = {node.value for node in inside if isinstance(node, ast.Constant)}
        assert file.name in OWN or not found & long, (file, found & long)


def test_no_label_role_or_part_is_compared_with_a_literal(nodes: dict[Path, list[ast.AST]]) -> None:
    for file, inside in nodes.items():
        for node in inside:
            sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
            asked = any(isinstance(side, ast.Attribute) and side.attr in WORDS for side in sides)
            literal = [inner for side in sides for inner in ast.walk(side) if isinstance(inner, ast.Constant)]
            assert not (asked and any(inner.value for inner in literal)), (file, node.lineno)


def test_families_name_roles_that_there_are() -> None:
    for family in FAMILIES.values():
        assert set(family.modules.values()) <= ROLES
        assert {roles.MODEL, roles.LAYER, roles.SELF_ATTENTION} <= set(family.modules.values())


def test_every_label_of_a_run_is_in_the_vocabulary(tokenizer: Any) -> None:
    for attention in ("eager", "sdpa"):
        traced = trace(tiny_model(attention=attention), tokenizer, TEXTS, labels=[1, 0])
        for step in traced.steps:
            free = step.role in (roles.MODEL, roles.BODY, roles.LAYER) or labels.is_activation(step.label)
            helper = step.label in OPS or not step.role or step.label in {"add", "mul", "pow", "div", "erf"}
            assert step.label in labels.LABELS or free or helper, (step.path, step.label)
