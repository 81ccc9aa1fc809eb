"""The NumPy network: its gradients, its loss curve beside torch's, its graph."""

import ast
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from models.arrays import ArrayNetwork
from models.data.batches import TensorBatches
from models.data.load import load_data
from models.errors import ExportError
from models.export.arrays import array_graph
from models.seeds import seeded
from models.tasks.image_classification import ImageClassification
from models.trainer import fit
from models.zoo import numpy_mlp
from models.zoo.numpy_mlp import NumpyMLPConfig, Weights

CONFIG = NumpyMLPConfig(image=(1, 5, 4), classes=6, hidden=9)


def rows(count=17, seed=0):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, 20)), generator.integers(0, 6, count)


def some_weights(seed=3):
    """Biases too: those that are drawn are nought."""
    generator = np.random.default_rng(seed)
    drawn = numpy_mlp.draw_weights(CONFIG, seed, np.float64)
    return Weights(*(each + 0.1 * generator.standard_normal(each.shape) for each in drawn))


def loss_and_gradients(weights, x, label):
    h, logs = numpy_mlp.forward(weights, x)
    loss, dlogs = numpy_mlp.cross_entropy(logs, label)
    return loss, numpy_mlp.backward(weights, x, h, logs, dlogs)


def torch_twin(weights):
    """The same network of torch's parts."""
    hidden, output = (nn.Linear(*each.shape[::-1], dtype=torch.float64) for each in weights[::2])
    twin = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), output)
    with torch.no_grad():
        for parameter, weight in zip(twin.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return twin


def test_there_is_no_torch_in_the_file():
    tree = ast.parse(Path(numpy_mlp.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "numpy" in imported
    assert "torch" not in imported


def test_gradients_are_autograds_to_1e_10():
    weights, (x, label) = some_weights(), rows()
    twin = torch_twin(weights)
    expected = nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(label))
    expected.backward()
    loss, gradients = loss_and_gradients(weights, x, label)
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    for gradient, parameter in zip(gradients, twin.parameters(), strict=True):
        assert np.abs(gradient - parameter.grad.numpy()).max() < 1e-10


def test_gradients_are_the_finite_differences():
    weights, (x, label) = some_weights(), rows()
    _, gradients = loss_and_gradients(weights, x, label)
    step = 1e-6
    for weight, gradient in zip(weights, gradients, strict=True):
        for place in np.ndindex(weight.shape):
            kept = weight[place]
            weight[place] = kept + step
            above, _ = loss_and_gradients(weights, x, label)
            weight[place] = kept - step
            below, _ = loss_and_gradients(weights, x, label)
            weight[place] = kept
            assert (above - below) / (2 * step) == pytest.approx(gradient[place], abs=1e-8)


def test_large_logits_are_no_overflow():
    weights = Weights(*(1e4 * each for each in some_weights()))
    loss, gradients = loss_and_gradients(weights, *rows())
    assert np.isfinite(loss)
    assert all(np.isfinite(each).all() for each in gradients)


def test_the_loss_curve_is_the_torch_twins_to_1e_6():
    weights, (x, label) = some_weights(), rows(160)
    twin = torch_twin(weights)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    batches = [(x[at : at + 16], label[at : at + 16]) for at in range(0, 160, 16)]
    ours, torchs = [], []
    for _ in range(30):
        ours += numpy_mlp.sgd_epoch(weights, batches, lr=0.1)
        for x_part, label_part in batches:
            loss = nn.functional.cross_entropy(twin(torch.from_numpy(x_part)), torch.from_numpy(label_part))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            torchs.append(loss.item())
    assert ours[-1] < 0.5 * ours[0]
    assert np.abs(np.array(ours) - torchs).max() < 1e-6


# torch's own, as it compiles.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_trainer_gives_it_the_curve_of_its_torch_twin(compiled):
    digits = load_data("mnist", progress=False).train
    part = {"image": digits["image"][:640], "label": digits["label"][:640]}
    curves = []
    for make in (lambda network: network, lambda network: torch_twin(network.arrays()).float()):
        with seeded(0):
            network = ArrayNetwork(NumpyMLPConfig((1, 28, 28), 10, hidden=16))
        task = ImageClassification(make(network), image=(1, 28, 28), classes=10)
        task.head.calibrate(part["image"])
        batches = TensorBatches(part, batch_size=32, shuffle=True, seed=0)
        history = fit(task, batches, [part], epochs=5, lr=0.1, seed=0, progress=False, compile=compiled)
        curves.append([epoch["loss_network"] for epoch in history.epochs])
    assert curves[0][-1] < 0.5 * curves[0][0]
    assert np.abs(np.subtract(*curves)).max() < 1e-6


def test_a_seed_makes_the_same_weights():
    found = []
    for seed in (1, 1, 2):
        with seeded(seed):
            found.append(ArrayNetwork(CONFIG).arrays().hidden)
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def scale():
    return np.full((1, 1, 1, 1), 0.5, np.float32), np.full((1, 1, 1, 1), 0.25, np.float32)


def test_the_graph_answers_as_the_program_does():
    weights, (mean, deviation) = some_weights(), scale()
    graph = array_graph(weights, image=CONFIG.image, mean=mean, deviation=deviation)
    operators = [node.op_type for node in graph.graph.node]
    assert operators.count("Gemm") == 2
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        image = np.random.default_rng(0).integers(0, 256, (count, *CONFIG.image), dtype=np.uint8)
        (answer,) = session.run(None, {"image": image})
        _, logs = numpy_mlp.forward(weights, ((image / 255 - 0.5) / 0.25).reshape(count, -1))
        assert answer == pytest.approx(np.exp(logs), abs=1e-6)


def test_weights_that_do_not_fit_the_picture_make_no_graph():
    mean, deviation = scale()
    with pytest.raises(ExportError, match="valid graph"):
        array_graph(some_weights(), image=(1, 9, 9), mean=mean, deviation=deviation)
