"""What a run must leave as it found it: the model's weights, hooks and flags, and torch's global options."""

import gc
import json
from typing import Any, NamedTuple

import torch
from torch import nn

from ..undisturbed import HOOKS
from .checks import digest


class _Tensor(NamedTuple):
    identity: int
    requires_grad: bool
    numbers: bytes


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Return everything that a run might disturb, under names that tell a user what it is; to be compared."""
    found: dict[str, Any] = {f"the global option {name}": value for name, value in _global_options().items()}
    shared = [getattr(nn.modules.module, f"_global{kind}", ()) for kind in HOOKS]
    found["the set of global hooks"] = [tuple(hooks) for hooks in shared]
    config: Any = model.config
    found["the configuration"] = json.dumps(config.to_dict(), sort_keys=True, default=str)
    for path, module in model.named_modules():
        name = path or "the model"
        found[f"the training flag of {name}"] = module.training
        found[f"the set of hooks of {name}"] = [tuple(getattr(module, kind)) for kind in HOOKS]
        found[f"the set of attributes of {name}"] = sorted(vars(module))
    for kind, tensors in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
        for name, tensor in tensors:
            found[f"the {kind} {name}"] = _Tensor(id(tensor), tensor.requires_grad, digest(tensor))
    return found


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two things that `snapshot` found are equal, though perhaps another tensor with the same numbers."""
    if isinstance(one, _Tensor) and isinstance(other, _Tensor):
        return one[1:] == other[1:]
    return bool(one == other)


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
