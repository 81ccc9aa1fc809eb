"""The LSTM by hand against torch's, and what padding may not do."""

import json
import runpy

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.export.network import network_graph
from models.layers.lstm import LSTMLayer, lstm
from models.tasks.text_classification import TextClassification
from models.zoo.lstm import LSTM, LSTMConfig


def in_our_order(gates):
    """torch's gates i, f, g, o in ours: i, o, f, g."""
    i, f, g, o = gates.chunk(4)
    return torch.cat([i, o, f, g])


def a_pair(inputs, hidden, dtype):
    torch.manual_seed(0)
    theirs = nn.LSTM(inputs, hidden, batch_first=True).to(dtype)
    ours = LSTMLayer(inputs, hidden).to(dtype)
    with torch.no_grad():
        ours.input_GE.copy_(in_our_order(theirs.weight_ih_l0))
        ours.recurrent_GH.copy_(in_our_order(theirs.weight_hh_l0))
        ours.bias_G.copy_(in_our_order(theirs.bias_ih_l0 + theirs.bias_hh_l0))
    return ours, theirs


def gradients(output, weights, x, layer):
    return torch.autograd.grad((output * weights).sum(), [x, *layer.parameters()])


@pytest.mark.parametrize(
    ("dtype", "close"), [(torch.float64, 1e-13), (torch.float32, 1e-6)], ids=["double", "single"]
)
@pytest.mark.parametrize(("rows", "times"), [(1, 1), (1, 9), (5, 1), (5, 40)])
def test_it_is_torchs_lstm_forward_and_backward(rows, times, dtype, close):
    ours, theirs = a_pair(6, 10, dtype)
    x = torch.randn(rows, times, 6, dtype=dtype, requires_grad=True)
    weights = torch.randn(rows, times, 10, dtype=dtype)
    output, expected = ours(x), theirs(x)[0]
    assert (output - expected).abs().max() <= close
    got = gradients(output, weights, x, ours)
    dx, dinput, drecurrent, dbias, _ = gradients(expected, weights, x, theirs)
    wanted = (dx, in_our_order(dinput), in_our_order(drecurrent), in_our_order(dbias))
    for one, two in zip(got, wanted, strict=True):
        # A gradient is a sum over rows and times: its rounding grows with its size.
        assert (one - two).abs().max() <= close * max(1.0, two.abs().max().item())


def test_padded_rows_are_torchs_packed_ones():
    ours, theirs = a_pair(6, 10, torch.float64)
    lengths = torch.tensor([9, 1, 4])
    x = torch.randn(3, 9, 6, dtype=torch.float64, requires_grad=True)
    text_BT1 = (torch.arange(9) < lengths[:, None])[..., None]
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    expected = pad_packed_sequence(theirs(packed)[0], batch_first=True)[0]
    output = ours(x) * text_BT1
    assert torch.allclose(output, expected, rtol=0, atol=1e-13)
    weights = torch.randn_like(expected)
    got, wanted = gradients(output, weights, x, ours), gradients(expected, weights, x, theirs)
    assert torch.allclose(got[0], wanted[0], rtol=0, atol=1e-13)
    assert not got[0][1, 1:].any()
    assert torch.allclose(got[2], in_our_order(wanted[2]), rtol=0, atol=1e-12)


def test_the_gradient_derived_by_hand_is_the_numeric_one():
    torch.manual_seed(0)
    shapes = [(4, 3, 2), (12, 2), (12, 3), (12,)]
    arguments = tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    assert torch.autograd.gradcheck(lambda *given: lstm(*given)[0], arguments)


def test_the_operator_keeps_torchs_rules():
    shapes = [(4, 3, 2), (12, 2), (12, 3), (12,)]
    torch.library.opcheck(lstm, tuple(torch.randn(shape, requires_grad=True) for shape in shapes))


def test_half_precision_around_it_leaves_it_exact():
    layer = LSTMLayer(4, 4)
    x = torch.randn(2, 5, 4, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
    assert torch.equal(output, layer(x))
    output.sum().backward()
    assert x.grad.dtype == torch.float32


def a_network(**entries):
    torch.manual_seed(0)
    return LSTM(LSTMConfig(**{"vocabulary": 50, "classes": 3, "embedding": 8, "hidden": 8, **entries})).eval()


def test_its_mean_skips_the_padding():
    network = a_network()
    with torch.no_grad():
        # A padding whose embedding is not nought: what is answered may not rest on that.
        network.embedding.weight[0] = 5.0
    alone = torch.randint(1, 50, (1, 4))
    padded = torch.cat([alone, torch.zeros(1, 30, dtype=torch.int64)], dim=1)
    other = torch.cat([alone, torch.full((1, 30), 7)], dim=1)
    answers = [network(tokens, torch.tensor([4])) for tokens in (alone, padded, other)]
    assert torch.allclose(answers[0], answers[1], rtol=0, atol=1e-6)
    assert torch.allclose(answers[0], answers[2], rtol=0, atol=1e-6)


def test_a_row_does_not_feel_its_neighbours():
    network = a_network()
    tokens, lengths = torch.randint(1, 50, (3, 12)), torch.tensor([12, 1, 5])
    together = network(tokens, lengths)
    for at, length in enumerate(lengths.tolist()):
        alone = network(tokens[at : at + 1, :length], lengths[at : at + 1])
        assert torch.allclose(together[at], alone[0], rtol=0, atol=1e-6)


def test_dropout_is_for_training_alone():
    network = a_network(dropout=0.5)
    tokens, lengths = torch.randint(1, 50, (2, 6)), torch.tensor([6, 3])
    assert torch.equal(network(tokens, lengths), network(tokens, lengths))
    network.train()
    assert not torch.equal(network(tokens, lengths), network(tokens, lengths))


@pytest.fixture(scope="module")
def served_and_graph():
    served = TextClassification(a_network(hidden=16), classes=3).eval().served()
    return served, network_graph(served)


@pytest.mark.slow
def test_its_graph_is_one_lstm_node_and_no_loop(served_and_graph):
    _, graph = served_and_graph
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count("LSTM") == 1
    assert not {"Scan", "Loop"} & set(kinds)


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [[1], [7], [300], [1, 1, 1], [7, 3, 1], [300, 1, 123]])
def test_its_graph_answers_any_length_and_batch(served_and_graph, lengths):
    served, graph = served_and_graph
    rng = np.random.default_rng(0)
    tokens = np.zeros((len(lengths), max(lengths)), dtype=np.int64)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = rng.integers(1, 50, length)
    inputs = {"tokens": tokens, "lengths": np.array(lengths, dtype=np.int64)}
    (found,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(["probabilities"], inputs)
    with torch.no_grad():
        expected = served.module(**{name: torch.from_numpy(array) for name, array in inputs.items()})
    assert found.shape == (len(lengths), 3)
    assert np.abs(found - expected.numpy()).max() <= 1e-6


def test_the_benchmark_prints_its_ratio_last(monkeypatch, capsys):
    threads = torch.get_num_threads()
    module = runpy.run_path("benchmarks/lstm.py")
    monkeypatch.setitem(module["main"].__globals__, "ROUNDS", 1)
    try:
        module["main"]()
    finally:
        torch.set_num_threads(threads)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["lstm_vs_torch"] > 0
