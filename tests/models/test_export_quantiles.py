"""Quantiles to a normal distribution, bit for bit as scikit-learn has them, at every edge."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from sklearn.preprocessing import QuantileTransformer

from models.errors import ExportError
from models.export.builder import GraphBuilder
from models.export.quantiles import normal_scores, transformer_pieces

RANDOM = np.random.default_rng(0)
N = 400
X = np.column_stack(
    [
        RANDOM.lognormal(size=N),
        RANDOM.integers(0, 2, N),
        RANDOM.poisson(0.3, N),
        RANDOM.normal(size=N) * 1e-6,
        np.where(RANDOM.random(N) < 0.9, 0, RANDOM.lognormal(size=N) * 100),
        RANDOM.lognormal(size=N) * 1e6,
    ]
).astype(np.float32)


def near(quantiles: np.ndarray) -> np.ndarray:
    """On each quantile, a bit beside it, and where scikit-learn's 1e-7 around the ends begins."""
    q, bound = np.unique(quantiles).astype(np.float32), np.float32(1e-7)
    ends = [q + bound, q - bound]
    return np.concatenate(
        [q, *ends]
        + [np.nextafter(each, np.float32(side)) for each in (q, *ends) for side in (-np.inf, np.inf)]
    )


@pytest.fixture(scope="module")
def fitted() -> QuantileTransformer:
    return QuantileTransformer(n_quantiles=200, output_distribution="normal").fit(X)


@pytest.fixture(scope="module")
def session(fitted: QuantileTransformer) -> onnxruntime.InferenceSession:
    builder = GraphBuilder()
    columns = X.shape[1]
    scores = normal_scores(builder, builder.cast("x", np.float64), range(columns), transformer_pieces(fitted))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", columns])]
    model = builder.model(inputs, {"y": (scores, TensorProto.FLOAT, columns)})
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def test_rows_of_training_and_others_are_the_same(fitted, session):
    for x in (X, 3 * RANDOM.normal(size=(500, X.shape[1])).astype(np.float32)):
        assert np.array_equal(session.run(None, {"x": x})[0], fitted.transform(x))


@pytest.mark.parametrize("column", range(X.shape[1]))
def test_every_edge_of_every_piece_is_the_same(fitted, session, column):
    values = near(fitted.quantiles_[:, column])
    x = np.tile(np.median(X, axis=0), (len(values), 1)).astype(np.float32)
    x[:, column] = values
    assert np.array_equal(session.run(None, {"x": x})[0], fitted.transform(x))


def test_a_uniform_distribution_is_refused():
    with pytest.raises(ExportError, match="normal distribution"):
        transformer_pieces(QuantileTransformer(n_quantiles=10).fit(X))
