"""One update of the weights: precision, accumulated gradients, clipping, the mean over processes."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.optim import Optimizer

from models.errors import TrainingError

Precision = Literal["float32", "bfloat16", "float16", "auto"]

CHECK_EVERY = 16
"""Losses between two looks at a loss on an accelerator, since each look waits for it."""


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which a forward pass runs; weights stay float32 (Micikevicius et al. 2018).

    ``auto`` is bfloat16 where the device multiplies it, and float32 elsewhere: a processor that has to
    convert takes twenty times as long. Raises TrainingError for a name that is none, or float16 where the
    gradients could not be scaled.
    """
    if precision not in get_args(Precision):
        raise TrainingError(f"expected a precision among {get_args(Precision)}, got {precision!r}")
    if precision == "auto":
        precision = "bfloat16" if multiplies_bfloat16(device) else "float32"
    if precision == "float32":
        return nullcontext()
    if precision == "float16" and device.type != "cuda":
        raise TrainingError(f"expected a CUDA device for float16, got {device.type}; use bfloat16")
    return torch.autocast(device.type, getattr(torch, precision))


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` has instructions for products of bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Not in every torch that is allowed: there float32 is always right.
    able: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(able.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16"))


class Updates:
    """Steps ``optimizers`` on their losses, clipped to the 2-norm ``clip_norm``.

    ``mean_gradients`` replaces gradients by their mean over processes, in place.
    """

    def __init__(
        self,
        optimizers: dict[str, Optimizer],
        device: torch.device,
        precision: Precision,
        clip_norm: float | None,
        mean_gradients: Callable[[list[Tensor]], None] | None,
    ) -> None:
        self.optimizers, self.clip_norm, self.mean_gradients = optimizers, clip_norm, mean_gradients
        self.autocast = autocast(precision, device)
        self.scaler = torch.amp.GradScaler(device.type) if precision == "float16" else None
        self.weights = {
            name: [weight for group in optimizer.param_groups for weight in group["params"]]
            for name, optimizer in optimizers.items()
        }
        self._waits = device.type != "cpu"
        self._seen = 0

    def advance(self, losses: Iterator[tuple[str, Tensor]]) -> tuple[str, Tensor] | None:
        """Compute the next loss in the wanted precision; None after the last."""
        with self.autocast:
            return next(losses, None)

    def add(self, name: str, loss: Tensor, share: float, first: bool) -> float | Tensor:
        """Add ``share`` of the gradient of ``loss`` to the weights of optimiser ``name`` alone.

        ``first`` clears what they hold. Returns the loss, as a number where that costs nothing.
        """
        value = self._checked(loss.detach())
        if first:
            self.optimizers[name].zero_grad()
        scaled = loss if share == 1.0 else loss * share
        if self.scaler is not None:
            scaled = self.scaler.scale(scaled)
        # Of several optimisers each gets the gradients of its own losses only: a generator's loss passes
        # through the discriminator without leaving anything there.
        inputs = self.weights[name] if len(self.weights) > 1 else None
        scaled.backward(inputs=inputs)  # type: ignore[no-untyped-call]
        return value

    def step(self, name: str) -> None:
        """Move the weights of optimiser ``name``."""
        optimizer, scaler = self.optimizers[name], self.scaler
        if self.mean_gradients is not None:
            self.mean_gradients([weight.grad for weight in self.weights[name] if weight.grad is not None])
        if scaler is not None:
            scaler.unscale_(optimizer)
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.weights[name], self.clip_norm)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    def _checked(self, loss: Tensor) -> float | Tensor:
        self._seen += 1
        if self._waits and self._seen % CHECK_EVERY:
            return loss
        value = loss.item()
        if not math.isfinite(value):
            raise TrainingError(f"expected a finite loss, got {value}")
        return value
