"""What the LSTM by hand costs: forward and backward against `torch.nn.LSTM`, same weights, same texts.

Embedding 64, hidden 64, batch 64, length 256, in float32 on one CPU core. The two take turns, so that a busy
machine slows both; the ratio is that of the medians. Their outputs and gradients are compared first: a fast
layer that answers something else would be no result.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from models.layers.lstm import LSTMLayer

sys.path.insert(0, str(Path(__file__).parent))

ROUNDS = 25
BATCH, LENGTH, WIDTH = 64, 256, 64

Layer = Callable[[Tensor], Tensor]


def pair() -> tuple[LSTMLayer, nn.LSTM]:
    """The layer by hand and torch's, with the same weights."""
    ours, torchs = LSTMLayer(WIDTH, WIDTH), nn.LSTM(WIDTH, WIDTH, batch_first=True)
    with torch.no_grad():
        torchs.get_parameter("weight_ih_l0").copy_(reordered(ours.input_GE))
        torchs.get_parameter("weight_hh_l0").copy_(reordered(ours.recurrent_GH))
        torchs.get_parameter("bias_ih_l0").copy_(reordered(ours.bias_G))
        torchs.get_parameter("bias_hh_l0").zero_()
    return ours, torchs


def reordered(gates: Tensor) -> Tensor:
    """Our gates i, o, f, g in torch's order i, f, g, o."""
    i, o, f, g = gates.chunk(4)
    return torch.cat([i, f, g, o])


def differences(ours: Layer, torchs: Layer, x: Tensor, weights: Tensor) -> tuple[float, float]:
    """The largest difference of the outputs, and of the inputs' gradients relative to the largest one."""
    outputs, gradients = [], []
    for layer in (ours, torchs):
        output = layer(x)
        outputs.append(output.detach())
        gradients.append(torch.autograd.grad((output * weights).sum(), x)[0])
    scale = gradients[1].abs().max()
    return (
        float((outputs[0] - outputs[1]).abs().max()),
        float((gradients[0] - gradients[1]).abs().max() / scale),
    )


def seconds(layer: Layer, x: Tensor, weights: Tensor) -> float:
    """One pass forward and backward, with the gradients of weights and input."""
    begun = time.perf_counter()
    (layer(x) * weights).sum().backward()  # type: ignore[no-untyped-call]
    return time.perf_counter() - begun


def main() -> None:
    """Print the differences, both medians and, last, their ratio as JSON."""
    from machine import machine

    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours, torchs = pair()
    layers: dict[str, Layer] = {"by hand": ours, "nn.LSTM": lambda x: torchs(x)[0]}
    x, weights = torch.randn(BATCH, LENGTH, WIDTH, requires_grad=True), torch.randn(BATCH, LENGTH, WIDTH)
    output, gradient = differences(layers["by hand"], layers["nn.LSTM"], x, weights)
    print(f"forward and backward, median of {ROUNDS} turns; torch {torch.__version__}, {machine()}")
    print(f"largest difference: outputs {output:.1e}, gradients {gradient:.1e} of the largest")
    times: dict[str, list[float]] = {name: [] for name in layers}
    for turn in range(ROUNDS + 2):
        for name, layer in layers.items():
            taken = seconds(layer, x, weights)
            if turn >= 2:
                times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, median in medians.items():
        print(f"{name:10}{1e3 * median:8.1f} ms")
    print(json.dumps({"lstm_vs_torch": round(medians["by hand"] / medians["nn.LSTM"], 3)}))


if __name__ == "__main__":
    main()
