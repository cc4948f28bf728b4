"""What wrappers add to the names of a model's tensors, and how it is left out; and whose tensors are an adapter's."""

from collections.abc import Collection, Iterable

from ...families import Family
from ...traces.vocabulary import roles

# What puts a part into every name, or into those of the modules inside of it.
_WRAPPERS = {
    "module": "DataParallel",
    "_orig_mod": "torch.compile",
    "_forward_module": "Fabric",
    "_fsdp_wrapped_module": "FSDP",
    "_checkpoint_wrapped_module": "activation checkpointing",
}
# What people call the attribute of a module of their own that holds the model.
_AROUND = {"model", "base_model", "bert_model", "auto_model", "encoder", "backbone", "network", "net", "transformer"}
_ADAPTER = {"base_layer", "lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector"}

MERGE = (
    "merge it first, with peft: PeftModel.from_pretrained(model, folder).merge_and_unload().save_pretrained(new_folder)"
)


def plain_names(names: Collection[str], family: Family) -> dict[str, str]:
    """Return for each name of a checkpoint's tensors the one that it has in the model, without what wrappers added.

    Where the word embeddings lie says what stands before the model's own names; a part in front that is not known to be
    a wrapper's is left, and so is one that only some tensors of several models have.
    """
    plain = {name: ".".join(part for part in name.split(".") if part not in _WRAPPERS) for name in names}
    body, words = _path(family, roles.BODY), f".{_path(family, roles.WORD_EMBEDDINGS)}.weight"
    fronts = {tuple(name.split(".")[: -words.count(".")]) for name in plain.values() if f".{name}".endswith(words)}
    front = list(fronts.pop()) if len(fronts) == 1 else []
    if front[-1:] == [body]:
        front.pop()
    if front and all(part in _AROUND or part.isdecimal() or part == body for part in front):
        begin = ".".join(front) + "."
        plain = {name: short.removeprefix(begin) for name, short in plain.items()}
    return plain


def wrapper_of(name: str) -> str:
    """Return who gave a tensor its name, empty where that is not known."""
    told = [_WRAPPERS[part] for part in name.split(".") if part in _WRAPPERS]
    return told[0] if told else "peft" if name.startswith("base_model.model.") else ""


def adapter_tensors(names: Iterable[str]) -> list[str]:
    """Return those names that only a model with an adapter (LoRA) has."""
    return [name for name in names if not _ADAPTER.isdisjoint(name.split("."))]


def unmerged(names: Collection[str], family: Family) -> list[str]:
    """Return the names of an adapter's tensors where the model's own are not whole without it: all of them are an
    adapter's, or it stands around their layers.
    """
    words = _path(family, roles.WORD_EMBEDDINGS)
    found = adapter_tensors(names)
    around = any("base_layer" in name.split(".") for name in found)
    return found if around or not any(words in name for name in names) else []


def _path(family: Family, role: str) -> str:
    return next(path for path, each in family.modules.items() if each == role)
