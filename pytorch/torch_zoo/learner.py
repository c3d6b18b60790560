"""A model in training: gradients, mixed precision, accumulation, clipping, freezing, the optimiser."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from torch_zoo.layer_stats import layer_stats
from torch_zoo.memory import is_out_of_memory
from torch_zoo.precision import DTYPES
from torch_zoo.processes import add_up, share_batch_norms, total, world
from torch_zoo.weights import Average
from trizoo.ground.memory import explain_out_of_memory
from trizoo.recipes.schema import Recipe
from trizoo.recipes.sections import Optimizer
from trizoo.training.batch import Batch

_ADAM_SLOTS = {"m": "exp_avg", "v": "exp_avg_sq", "step": "step"}
_SLOTS = {"sgd": {"momentum": "momentum_buffer"}, "adam": _ADAM_SLOTS, "adamw": _ADAM_SLOTS}


class Learner:
    """See `trizoo.framework.Learner`. The model is put into channels_last memory and training mode.

    Args:
        loss: (outputs, targets, size) -> terms, see `torch_zoo.families.Family`
    """

    def __init__(
        self, model: nn.Module, loss: Callable[..., dict[str, Tensor]], recipe: Recipe, device: torch.device
    ) -> None:
        self.model = model.to(device, memory_format=torch.channels_last)
        self.is_shared = world().size > 1
        if self.is_shared and recipe.sync_batch_norm:
            share_batch_norms(model)
        self.network = torch.compile(self.model) if recipe.compile else self.model
        self.average = Average(model)
        self.loss = loss
        self.device = device
        self.accumulate = recipe.schedule.accumulate
        self.clip_norm = recipe.optimizer.clip_norm
        self.hold_batch_norms = recipe.freeze.batch_norm
        self.optimizer_name = recipe.optimizer.name
        self.optimizer = make_optimizer(model, recipe.optimizer)
        self.dtype = DTYPES[recipe.precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
        self.freeze(())

    def step(self, batch: Batch, lr: float) -> dict[str, Tensor]:
        """One optimiser step; see `trizoo.framework.Learner.step`.

        The batch's loss is divided by the positives of the whole batch, so its gradient is the same however many parts
        and processes it is computed in. In fp16 the loss scale waits for the device at every step; nothing else does.
        Raises TooLittleMemoryError where memory is.
        """
        with explain_out_of_memory(batch.images, is_out_of_memory, training=True):
            return self._step(batch, lr)

    def _step(self, batch: Batch, lr: float) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        images = self._send(batch.images)
        size = (images.shape[2], images.shape[1])
        targets = {name: self._send(array) for name, array in batch.targets.items()}
        if self.is_shared:
            targets = {name: t if t.ndim else total(t).clamp(min=1) for name, t in targets.items()}
        terms = []
        for part in np.array_split(np.arange(len(images)), min(self.accumulate, len(images))):
            part = slice(part[0], part[-1] + 1)
            with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None):
                heads = self.network(images[part])
            values = self.loss(heads, {name: t[part] if t.ndim else t for name, t in targets.items()}, size)
            self.scaler.scale(values["loss"]).backward()
            terms.append({name: value.detach() for name, value in values.items()})
        if self.is_shared:
            add_up([parameter.grad for parameter in self.model.parameters() if parameter.grad is not None])
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            _clip_gradients(self.model.parameters(), self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        terms = {name: sum(part[name] for part in terms) for name in terms[0]}
        if self.is_shared:
            add_up(list(terms.values()))
        return terms

    def layer_stats(self, images: Any) -> list[tuple[str, int, tuple[Tensor, Tensor, Tensor]]]:
        """See `trizoo.framework.Learner.layer_stats`."""
        narrow = torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)
        with explain_out_of_memory(images, is_out_of_memory, training=True), narrow:
            return layer_stats(self.model)(self._send(images))

    def freeze(self, prefixes: tuple[str, ...]) -> None:
        """See `trizoo.framework.Learner.freeze`."""
        self.model.train()
        for name, module in self.model.named_modules():
            held = name and f"{name}.".startswith(tuple(prefixes))
            if held or (self.hold_batch_norms and isinstance(module, torch.nn.BatchNorm2d)):
                module.eval()
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not name.startswith(tuple(prefixes)))

    def optimizer_arrays(self) -> dict[str, dict[str, np.ndarray]]:
        """See `trizoo.framework.Learner.optimizer_arrays`; what hasn't been stepped yet is zero."""
        slots: dict[str, dict[str, np.ndarray]] = {}
        for slot, key in _SLOTS[self.optimizer_name].items():
            slots[slot] = {}
            for name, parameter in self.model.named_parameters():
                value = self.optimizer.state.get(parameter, {}).get(key)
                shape = () if slot == "step" else parameter.shape
                value = torch.zeros(shape) if value is None else value
                slots[slot][name] = value.detach().cpu().numpy().astype(np.float32)
        return slots

    def assign_optimizer(self, slots: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """The inverse of `optimizer_arrays`. Raises ValueError where slots or names aren't this optimiser's."""
        wanted = _SLOTS[self.optimizer_name]
        parameters = dict(self.model.named_parameters())
        if slots.keys() != wanted.keys() or any(values.keys() != parameters.keys() for values in slots.values()):
            raise ValueError(f"optimiser slots {sorted(slots)} don't fit {self.optimizer_name}: {sorted(wanted)}")
        for name, parameter in parameters.items():
            state = {}
            for slot, key in wanted.items():
                value = torch.from_numpy(np.array(slots[slot][name], np.float32))
                state[key] = value if slot == "step" else torch.empty_like(parameter).copy_(value)
            self.optimizer.state[parameter] = state

    def state(self) -> dict[str, Any]:
        """The loss scale of fp16, and for how many steps it has held."""
        if not self.scaler.is_enabled():
            return {}
        state = self.scaler.state_dict()
        return {"loss_scale": state["scale"], "loss_scale_steps": state["_growth_tracker"]}

    def assign_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        if self.scaler.is_enabled() and state:
            values = {"scale": state["loss_scale"], "_growth_tracker": state["loss_scale_steps"]}
            self.scaler.load_state_dict(self.scaler.state_dict() | values)

    def _send(self, array: Any) -> Tensor:
        return torch.as_tensor(array).to(self.device, non_blocking=True)


def _clip_gradients(parameters: Iterable[nn.Parameter], greatest: float) -> None:
    """Scales all gradients by one factor so that their common norm is at most `greatest`.

    PyTorch's own `clip_grad_norm_` adds squares one after another on a CPU: of a million gradients, some far larger
    than the rest, its norm was seen to be 4e-4 too small. A sum adds them in pairs.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    factor = (greatest / norm).clamp(max=1.0)  # a tensor: nothing waits for the device
    for gradient in gradients:
        gradient.mul_(factor)


def make_optimizer(model: nn.Module, options: Optimizer) -> torch.optim.Optimizer:
    """SGD or Adam with coupled weight decay, or AdamW, on kernels only: not on biases, not on batch norms.

    Args:
        options: the recipe's `optimizer` section
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if options.name == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=options.momentum, nesterov=options.nesterov)
    kind = torch.optim.AdamW if options.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=0.0, betas=(options.momentum, options.beta2))
