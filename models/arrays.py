"""A network that is a plain array program, as a torch module: the trainer's optimisers move its weights."""

from typing import Any

import torch
from torch import Tensor, nn

from models.zoo import numpy_mlp
from models.zoo.numpy_mlp import NumpyMLPConfig, Weights


class ArrayNetwork(nn.Module):
    """x_BCHW -> the logarithms of the probabilities, l_BK; forward and backward are the program's.

    Torch holds the weights, whose memory is the program's on a CPU. They are drawn with a seed from torch's
    generator, so that a seed means here what it means for every network.
    """

    def __init__(self, config: NumpyMLPConfig) -> None:
        super().__init__()
        self.config = config
        drawn = numpy_mlp.draw_weights(config, seed=int(torch.randint(2**31, ())))
        for name, weight in drawn._asdict().items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(weight)))

    def arrays(self) -> Weights:
        """Return the weights as arrays."""
        return _arrays(tuple(self.parameters()))

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # torch leaves it untyped
    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return l_BK, which cross-entropy takes as it takes logits: its softmax changes nothing in them."""
        l_BK: Tensor = _Program.apply(x_BCHW.flatten(1), *self.parameters())  # type: ignore[no-untyped-call]
        return l_BK


class _Program(torch.autograd.Function):
    """The program as one step of autograd."""

    @staticmethod
    def forward(ctx: Any, x_BF: Tensor, *parameters: Tensor) -> Tensor:
        h_BD, l_BK = numpy_mlp.forward(_arrays(parameters), x_BF.detach().cpu().numpy())
        ctx.save_for_backward(x_BF, torch.from_numpy(h_BD), torch.from_numpy(l_BK), *parameters)
        return torch.from_numpy(l_BK).to(x_BF.device, copy=True)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        x_BF, h_BD, l_BK, *parameters = ctx.saved_tensors
        seen = (each.detach().cpu().numpy() for each in (x_BF, h_BD, l_BK, *upstream))
        gradients = numpy_mlp.backward(_arrays(tuple(parameters)), *seen)
        return (None, *(torch.from_numpy(each).to(x_BF.device) for each in gradients))


def _arrays(parameters: tuple[Tensor, ...]) -> Weights:
    return Weights(*(parameter.detach().cpu().numpy() for parameter in parameters))
