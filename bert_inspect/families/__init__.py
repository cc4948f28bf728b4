"""What is known of each architecture, as data: one file a family. Nothing outside tests a path or a config key."""

from .albert import ALBERT
from .bert import BERT
from .deberta_v2 import DEBERTA_V2
from .distilbert import DISTILBERT
from .electra import ELECTRA
from .family import Family
from .modernbert import MODERNBERT
from .mpnet import MPNET
from .roberta import CAMEMBERT, ROBERTA, XLM_ROBERTA

__all__ = ["BERT", "FAMILIES", "Family", "family_of"]

FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        *(BERT, ROBERTA, XLM_ROBERTA, CAMEMBERT, DISTILBERT, ELECTRA, ALBERT, MPNET),
        *(MODERNBERT, DEBERTA_V2),
    )
}
"""By the ``model_type`` of a configuration."""


def family_of(model_type: str) -> Family:
    """Return the family of a model by its configuration's ``model_type``; what is not known is read as BERT is."""
    return FAMILIES.get(model_type, BERT)
