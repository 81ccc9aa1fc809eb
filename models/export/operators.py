"""Operators of ours in ONNX's own words."""

from collections.abc import Callable
from typing import Any

import torch
from onnxscript import opset20 as op

from models.layers import lstm as _registered  # noqa: F401  its operator


def _lstm(x_TBE: Any, input_GE: Any, recurrent_GH: Any, bias_G: Any) -> tuple[Any, Any, Any, Any]:
    """One LSTM node, whose gates are in our order; of its results only h_TBH is asked for."""
    axis: Any = op.Constant(value_ints=[0])
    direction: Any = op.Constant(value_ints=[1])
    # The node takes a bias of the input and one of the recurrence: the latter is nought.
    bias_1G = op.Unsqueeze(op.Concat(bias_G, op.Sub(bias_G, bias_G), axis=0), axis)
    h_T1BH, *_ = op.LSTM(
        x_TBE, op.Unsqueeze(input_GE, axis), op.Unsqueeze(recurrent_GH, axis), bias_1G,
        hidden_size=recurrent_GH.shape[1],
    )  # fmt: skip
    h_TBH = op.Squeeze(h_T1BH, direction)
    return h_TBH, h_TBH, h_TBH, h_TBH


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {torch.ops.millrace.lstm.default: _lstm}
"""By operator of torch's, what the exporter writes in its place."""
