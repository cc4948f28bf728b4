"""What a run must leave as it found it: the model's weights, hooks and flags, and torch's global options."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .checks import digest

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Return everything that a run might disturb, under names that tell a user what it is; to be compared."""
    found: dict[str, Any] = {f"the global option {name}": value for name, value in _global_options().items()}
    shared = [getattr(nn.modules.module, f"_global{kind}", ()) for kind in _HOOKS]
    found["the set of global hooks"] = [tuple(hooks) for hooks in shared]
    config: Any = model.config
    found["the configuration"] = json.dumps(config.to_dict(), sort_keys=True, default=str)
    for path, module in model.named_modules():
        name = path or "the model"
        found[f"the training flag of {name}"] = module.training
        found[f"the set of hooks of {name}"] = [tuple(getattr(module, kind)) for kind in _HOOKS]
        found[f"the set of attributes of {name}"] = sorted(vars(module))
    for kind, tensors in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
        for name, tensor in tensors:
            found[f"the {kind} {name}"] = (id(tensor), tensor.requires_grad, digest(tensor))
    return found


def _global_options() -> dict[str, Any]:
    cuda: Any = torch.backends.cuda
    overrides: Any = torch.overrides
    return {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "default dtype": torch.get_default_dtype(),
        "default device": str(torch.get_default_device()),
        "threads": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "anomaly detection": torch.is_anomaly_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "TF32": cuda.matmul.allow_tf32,
        "cuDNN": (torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "fused attention": (cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled()),
        "function modes": [id(mode) for mode in overrides._get_current_function_mode_stack()],
        "garbage collector": gc.isenabled(),
    }


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the garbage collector from running in the block: thousands of small records set it off, and it walks all
    that torch ever made.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def no_hook_stays(model: nn.Module) -> Iterator[None]:
    """Take away, after the block, the hooks and attributes that it put on modules: transformers leaves its own on a
    model from which hidden states or attentions were asked.
    """
    before = [
        (module, set(vars(module)), {kind: dict(getattr(module, kind)) for kind in _HOOKS})
        for module in model.modules()
    ]
    try:
        yield
    finally:
        for module, attributes, hooks in before:
            for kind, entries in hooks.items():
                held = getattr(module, kind)
                if len(held) != len(entries):
                    held.clear()
                    held.update(entries)
            for name in vars(module).keys() - attributes:
                del vars(module)[name]


def random_states() -> list[torch.Tensor]:
    """Return the states of the random generators of the CPU and, where it is in use, of the CUDA device."""
    cuda: Any = torch.cuda
    return [torch.get_rng_state(), *([cuda.get_rng_state()] if cuda.is_initialized() else [])]


def set_random_states(states: Sequence[torch.Tensor]) -> None:
    """Set the random generators to states that `random_states` returned."""
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state)
