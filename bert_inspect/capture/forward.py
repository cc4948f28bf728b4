"""One traced forward, from loaded model and encoded batch to the finished trace."""

import math
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import Any

import torch
from msgspec import structs
from torch import nn
from torch.overrides import TorchFunctionMode

from ..errors import UsageError
from ..loading.loaded import Loaded
from ..traces.record import FORMAT, VERSION, Environment, Failure, Input, Model, Output, Prediction, Trace
from ..traces.selection import Selection
from ..traces.values import strict
from .failure import broken_by, cause_of_failure
from .keep import Keep, TooManyValues
from .naming.assemble import Assembled, assemble
from .tracing.activations import TooManyNumbers
from .tracing.step_record import StepRecord
from .tracing.tensor_stats import dtype_name
from .tracing.tracer import tracing
from .verify.snapshot import no_collector, no_hook_stays
from .verify.verification import Outcome, Verification


def run_forward(
    loaded: Loaded, batch: Input, *, selection: Selection, keep: Keep, verify: bool = False
) -> tuple[Trace, dict[str, torch.Tensor]]:
    """Run the model once over the batch and return its trace.

    With ``keep.tensors`` the second value holds the selected steps' full tensors, by the key that the trace gives
    each. With ``verify`` every step is run again and the model thrice, and the trace bears the proof.

    Raises:
        UsageError: the selection matches nothing, or more numbers would be kept than ``keep.limit``.
    """
    model = loaded.model
    on_meta = loaded.weights == "none"
    selection.check_layers(model.config.num_hidden_layers)
    modules = dict(model.named_modules())  # each once, though it bear several names
    selection.check_paths(modules)
    if on_meta and (keep.stats or keep.values or keep.tensors or verify):
        raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
    device = next(model.parameters()).device
    inputs = _tensors(batch, model, device)
    answers: AbstractContextManager[object] = _VisibleTokens(batch) if on_meta else nullcontext()
    verification = Verification(model) if verify else None
    replay = None if verification is None else verification.replay
    with _undisturbed(model), torch.inference_mode(), answers:
        if verification is not None:
            verification.run_before(inputs)
        with tracing(modules, selection=selection, keep=keep, replay=replay) as tracer:
            try:
                ran = Outcome(output=model(**inputs))
            except TooManyNumbers:
                raise TooManyValues(
                    f"the values are more than {keep.limit:,} numbers", "select steps with `layer` or `module`"
                ) from None
            except Exception as error:
                ran = Outcome(error=error)
        stopped = None if ran.error is None else tracer.recorder.stopped()
        if verification is not None:
            verification.run_after(inputs)
    with no_collector():
        assembled = assemble(tracer, model, modules, selection)
    failure = None if ran.error is None else _failure(ran.error, stopped, assembled, model, inputs)
    trace = Trace(
        format=FORMAT,
        version=VERSION,
        environment=_environment(),
        model=_model(loaded),
        input=batch,
        selection=selection.described(),
        steps=assembled.steps,
        not_called=[path for path, module in modules.items() if module not in tracer.recorder.calls],
        output=None if ran.output is None or on_meta else _output(ran.output, model.config),
        failure=failure,
    )
    if verification is not None:
        trace = structs.replace(trace, proof=verification.prove(trace, ran, tracer, assembled, modules))
    return trace, assembled.tensors


class _VisibleTokens(TorchFunctionMode):
    """Answers the one question that BERT's forward asks of its data, for tensors that hold none.

    On the meta device nothing can be read, but whether the mask hides anything decides which steps run. The batch
    knows.
    """

    def __init__(self, batch: Input) -> None:
        super().__init__()
        self._all_visible = all(all(row) for row in batch.attention_mask)

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.Tensor.__bool__ and args[0].is_meta:
            return self._all_visible
        return func(*args, **(kwargs or {}))


@contextmanager
def _undisturbed(model: Any) -> Iterator[None]:
    """Run in eval mode and leave everything on the model as it was found."""
    training = [module for module in model.modules() if module.training]
    problem_type = model.config.problem_type  # transformers writes its guess here when there are labels
    returns_more = model.config.output_hidden_states or model.config.output_attentions
    try:
        for module in training:
            module.training = False
        with no_hook_stays(model) if returns_more else nullcontext():
            yield
    finally:
        for module in training:
            module.training = True
        model.config.problem_type = problem_type


def _tensors(batch: Input, model: nn.Module, device: torch.device) -> dict[str, torch.Tensor]:
    """Return the model's keyword arguments: ids, segments and mask (batch, tokens), labels (batch)."""
    inputs = {
        "input_ids": torch.tensor(batch.input_ids, dtype=torch.long, device=device),
        "token_type_ids": torch.tensor(batch.token_type_ids, dtype=torch.long, device=device),
        "attention_mask": torch.tensor(batch.attention_mask, dtype=torch.long, device=device),
    }
    if batch.labels is not None:
        config: Any = model.config
        if config.problem_type == "multi_label_classification":
            raise UsageError(
                "this model gives several labels to a sentence: one class index is no label for it",
                "leave `labels` out",
            )
        dtype = next(model.parameters()).dtype if config.num_labels == 1 else torch.long
        inputs["labels"] = torch.tensor(batch.labels, dtype=dtype, device=device)
    return inputs


def _failure(
    error: Exception, record: StepRecord | None, assembled: Assembled, model: nn.Module, inputs: dict[str, torch.Tensor]
) -> Failure:
    done = [step for step, other in enumerate(assembled.records) if other.leaf and other is not record]
    broken = None if record is None else broken_by(record)
    return Failure(
        path=None if record is None else record.path,
        exception=type(error).__name__,
        message=str(error),
        cause=cause_of_failure(error, record, model, inputs),
        step=next((step for step, other in enumerate(assembled.records) if other is record), None),
        tensor=None if broken is None else broken.name,
        last_good=done[-1] if done else None,
    )


def _environment() -> Environment:
    return Environment(
        bert_inspect=version("bert-inspect"),
        python=platform.python_version(),
        torch=str(torch.__version__),
        transformers=sys.modules["transformers"].__version__,
    )


def _model(loaded: Loaded) -> Model:
    model = loaded.model
    parameter = next(model.parameters())
    config = {key: _strict(value) for key, value in model.config.to_dict().items() if not key.startswith("_")}
    return Model(
        name=loaded.name,
        class_=type(model).__name__,
        source=loaded.source,
        weights=loaded.weights,
        initialised=list(loaded.initialised),
        attention=model.config._attn_implementation,
        dtype=dtype_name(parameter.dtype),
        device=str(parameter.device),
        seed=loaded.seed,
        parameters=sum(tensor.numel() for tensor in model.parameters()),
        config=config,
    )


def _strict(value: Any) -> Any:
    """Return a configuration's value as strict JSON has it."""
    if isinstance(value, float):
        return strict(value)
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value if isinstance(value, str | int | bool) or value is None else str(value)


def _output(output: Any, config: Any) -> Output:
    """Return logits (batch, labels), and what they say: probabilities by softmax, by sigmoid where a sentence may have
    several labels, none for a regression.
    """
    logits = output.logits.detach().double().cpu()
    regression = config.num_labels == 1 or config.problem_type == "regression"
    several = config.problem_type == "multi_label_classification"
    probabilities = None if regression else logits.sigmoid() if several else logits.softmax(dim=-1)
    scores = (logits if probabilities is None else probabilities).tolist()
    best = [_largest(row) for row in scores]
    names = {int(index): str(name) for index, name in (config.id2label or {}).items()}
    return Output(
        logits=[[strict(number) for number in row] for row in logits.tolist()],
        probabilities=None if probabilities is None else [[strict(number) for number in row] for row in scores],
        predictions=[
            Prediction(index=index, label=names.get(index, f"LABEL_{index}"), score=strict(row[index]))
            for index, row in zip(best, scores, strict=True)
        ],
        loss=None if output.loss is None else strict(float(output.loss)),
    )


def _largest(row: Sequence[float]) -> int:
    """Return where the largest number stands; NaN is never it while there is another."""
    return max(range(len(row)), key=lambda index: -math.inf if math.isnan(row[index]) else row[index])
