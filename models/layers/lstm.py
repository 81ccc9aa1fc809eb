"""A long short-term memory layer by hand: its own gates, its own backward pass through time.

Hochreiter, Schmidhuber 1997; with the forget gate of Gers, Schmidhuber, Cummins 2000:

    i, o, f = sigmoid(W x + R h + b),  g = tanh(W x + R h + b),  c' = f c + i g,  h' = o tanh(c')

The input's share of all gates at all times is one matrix product, the recurrent share one a step, and so is
the gradient: step by step only what depends on the step before. An operator of its own, so that the exporter
writes it as one ONNX LSTM node, whose order of gates (i, o, f, g) this is: onnxruntime has a kernel for the
node, while a loop would be unrolled to the example's length, and a Scan runs a graph of small nodes a step.

Legend: T times, B batch, E inputs, H hidden units.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn


class LSTMLayer(nn.Module):
    """x_BTE -> h_BTH, from a state of zeros; what follows a row's own end does not reach back into it."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(hidden)
        self.input_GE = nn.Parameter(torch.empty(4 * hidden, inputs).uniform_(-bound, bound))
        self.recurrent_GH = nn.Parameter(torch.empty(4 * hidden, hidden).uniform_(-bound, bound))
        self.bias_G = nn.Parameter(torch.zeros(4 * hidden))
        # A forget gate that begins open lets gradients reach far back (Jozefowicz et al. 2015).
        nn.init.ones_(self.bias_G.data[2 * hidden : 3 * hidden])

    def forward(self, x_BTE: Tensor) -> Tensor:
        """Return h_BTH."""
        h_TBH: Tensor = lstm(x_BTE.transpose(0, 1), self.input_GE, self.recurrent_GH, self.bias_G)[0]
        return h_TBH.transpose(0, 1)


@torch.library.custom_op("millrace::lstm", mutates_args=())
def lstm(
    x_TBE: Tensor, input_GE: Tensor, recurrent_GH: Tensor, bias_G: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return h_TBH, and for the way back the gates_TBG, the cells c_TBH and their tanh."""
    times, rows, _ = x_TBE.shape
    hidden = recurrent_GH.shape[1]
    gates_TBG = torch.nn.functional.linear(x_TBE, input_GE, bias_G)
    h_TBH, c_TBH, tanh_TBH = (x_TBE.new_empty(times, rows, hidden) for _ in range(3))
    recurrent_HG = recurrent_GH.t().contiguous()
    h_BH, c_BH = x_TBE.new_zeros(2, rows, hidden)
    # Written in place throughout: at this size a new tensor costs as much as the sum in it.
    for gates_BG, h_next, c_next, tanh_BH in zip(gates_TBG, h_TBH, c_TBH, tanh_TBH, strict=True):
        gates_BG.addmm_(h_BH, recurrent_HG)
        gates_BG[:, : 3 * hidden].sigmoid_()
        gates_BG[:, 3 * hidden :].tanh_()
        i_BH, o_BH, f_BH, g_BH = gates_BG.split(hidden, 1)
        torch.mul(f_BH, c_BH, out=c_next)
        c_next.addcmul_(i_BH, g_BH)
        torch.tanh(c_next, out=tanh_BH)
        torch.mul(o_BH, tanh_BH, out=h_next)
        h_BH, c_BH = h_next, c_next
    return h_TBH, gates_TBG, c_TBH, tanh_TBH


@lstm.register_fake
def _(x_TBE: Tensor, _input: Tensor, recurrent_GH: Tensor, _bias: Tensor) -> tuple[Tensor, ...]:
    times, rows, _ = x_TBE.shape
    hidden = recurrent_GH.shape[1]
    h_TBH, c_TBH, tanh_TBH = (x_TBE.new_empty(times, rows, hidden) for _ in range(3))
    return h_TBH, x_TBE.new_empty(times, rows, 4 * hidden), c_TBH, tanh_TBH


def _remember(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
    x_TBE, input_GE, recurrent_GH, _ = inputs
    ctx.save_for_backward(x_TBE, input_GE, recurrent_GH, *output)


def _backward(ctx: Any, dh_TBH: Tensor, *_unused: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x_TBE, input_GE, recurrent_GH, h_TBH, gates_TBG, c_TBH, tanh_TBH = ctx.saved_tensors
    hidden = recurrent_GH.shape[1]
    i_TBH, o_TBH, f_TBH, g_TBH = gates_TBG.split(hidden, 2)
    first_1BH = torch.zeros_like(c_TBH[:1])
    # What each gate's input does to the cell (to h for the output gate), for all times at once.
    by_cell_TB4H = torch.stack(
        [
            g_TBH * i_TBH * (1 - i_TBH),
            tanh_TBH * o_TBH * (1 - o_TBH),
            torch.cat([first_1BH, c_TBH[:-1]]) * f_TBH * (1 - f_TBH),
            i_TBH * (1 - g_TBH.square()),
        ],
        dim=2,
    )
    cell_by_h_TBH = o_TBH * (1 - tanh_TBH.square())
    dgates_TBG = _through_time(dh_TBH, by_cell_TB4H, cell_by_h_TBH, f_TBH, recurrent_GH)
    flat_NG = dgates_TBG.flatten(0, 1)
    before_TBH = torch.cat([first_1BH, h_TBH[:-1]])
    return (
        dgates_TBG @ input_GE,
        flat_NG.t() @ x_TBE.flatten(0, 1),
        flat_NG.t() @ before_TBH.flatten(0, 1),
        flat_NG.sum(0),
    )


def _through_time(
    dh_TBH: Tensor, by_cell_TB4H: Tensor, cell_by_h_TBH: Tensor, f_TBH: Tensor, recurrent_GH: Tensor
) -> Tensor:
    """The gradient of every gate's input, dgates_TBG: from the last time to the first."""
    times, rows, hidden = dh_TBH.shape
    dgates_TBG = dh_TBH.new_empty(times, rows, 4 * hidden)
    back_BH, dc_BH = dh_TBH.new_zeros(2, rows, hidden)
    steps = (dgates_TBG, dh_TBH, by_cell_TB4H, cell_by_h_TBH, f_TBH)
    for dgates_BG, dh_BH, by_cell_B4H, cell_by_h_BH, f_BH in zip(
        *(reversed(each.unbind(0)) for each in steps), strict=True
    ):
        back_BH += dh_BH
        dc_BH.addcmul_(back_BH, cell_by_h_BH)
        dgates_B4H = dgates_BG.view(rows, 4, hidden)
        torch.mul(dc_BH.unsqueeze(1), by_cell_B4H, out=dgates_B4H)
        # The output gate alone is felt by h without passing the cell.
        torch.mul(back_BH, by_cell_B4H[:, 1], out=dgates_B4H[:, 1])
        torch.mm(dgates_BG, recurrent_GH, out=back_BH)
        dc_BH.mul_(f_BH)
    return dgates_TBG


lstm.register_autograd(_backward, setup_context=_remember)
# Under autocast too in float32: the products inside would come out in half precision, which the sums of the
# cell over hundreds of times lose digits in, and which a step written in place refuses to mix with.
for _device in ("cpu", "cuda"):
    lstm.register_autocast(_device, torch.float32)
