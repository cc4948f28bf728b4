"""Sees through what people put around a model: a compiler, copies for several devices, adapters."""

from collections.abc import Callable
from typing import Any

from ..errors import UsageError


def unwrapped(model: Any) -> Any:
    """Return the model inside of wrappers that hand every call on to it as it is; any other model as it is.

    Raises:
        UsageError: a wrapper changes what goes in, so that its inner model is not what runs; or the weights are not
            where the model is.
    """
    while (step := _INSIDE.get(_name(model))) is not None:
        model = step(model)
    if offloaded := _offloaded(model):
        raise UsageError(
            f"the weights of {offloaded} are kept elsewhere and come for each call (offloaded by accelerate)",
            "load the model without offloading: leave device_map out, or give it a device that holds all",
        )
    return model


def path_inside(model: Any, is_kind: Callable[[Any], bool]) -> str | None:
    """Return the path of the only model of some kind that another module, or an object around one, holds; None if there
    is none or more than one.
    """
    if hasattr(model, "named_modules"):
        found = [path for path, module in model.named_modules() if is_kind(module)]
        outer = [path for path in found if not any(path.startswith(f"{other}.") for other in found)]
        return outer[0] if len(outer) == 1 and outer[0] else None
    return "model" if is_kind(getattr(model, "model", None)) else None


def _name(model: Any) -> str:
    return f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}"


def _of_peft(model: Any) -> Any:
    """The adapters of a PEFT model stand inside of the model itself, except those that put tokens before the text."""
    if model.active_peft_config.is_prompt_learning:
        kind = getattr(model.active_peft_config.peft_type, "value", model.active_peft_config.peft_type)
        raise UsageError(
            f"this PEFT model ({kind}) puts learned tokens before the text, which a trace of its model would leave out",
            "of PEFT's methods LoRA, IA3 and their kin are traced, merged or not",
        )
    return model.get_base_model()


def _module(model: Any) -> Any:
    return model.module


_INSIDE: dict[str, Callable[[Any], Any]] = {
    "torch.OptimizedModule": lambda model: model._orig_mod,
    "torch.DataParallel": _module,
    "torch.DistributedDataParallel": _module,
    "peft.PeftModel": _of_peft,
    "peft.PeftModelForSequenceClassification": _of_peft,
    "peft.PeftModelForTokenClassification": _of_peft,
    "peft.PeftModelForQuestionAnswering": _of_peft,
    "peft.PeftModelForFeatureExtraction": _of_peft,
}
"""By package and class: how to come to the model inside."""


def _offloaded(model: Any) -> str:
    """Return the path of a module whose weights accelerate keeps elsewhere, empty where there is none."""
    modules = model.named_modules() if hasattr(model, "named_modules") else ()
    held = ((path, vars(module).get("_hf_hook")) for path, module in modules)
    return next((path or "the model" for path, hook in held if getattr(hook, "offload", False)), "")
