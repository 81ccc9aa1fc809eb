"""A network on a table: fit, save, load, predict."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from models.errors import CatalogError, CheckpointError, ModelError
from models.table import digest_rows, fit_network, load_network, predict_network, save_network

PARAMS = {"network": {"members": 4, "width": 32}, "training": {"lr": 0.01, "batch_size": 32}}


def rows(count: int = 160, seed: int = 0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "area": rng.normal(1500, 400, count),
            "quality": rng.integers(1, 11, count),
            "corner": rng.integers(0, 2, count),
        }
    ).astype("float32")
    y = pd.Series(50_000 + 60 * X["area"] + 12_000 * X["quality"] + 5_000 * X["corner"], name="price")
    return X, y * np.exp(rng.normal(0, 0.02, count))


def fitted(**options):
    settings = {
        "network": "tabm", "params": PARAMS, "epochs": 12, "patience": 5, "seed": 0, "threads": 1,
        "output": "price", "progress": False,
    }  # fmt: skip
    return fit_network(rows(), rows(60, seed=1), **{**settings, **options})


@pytest.fixture(scope="module")
def network():
    return fitted()[0]


def test_it_predicts_prices_that_it_has_not_seen(network):
    X, y = rows(80, seed=2)
    predicted = predict_network(network, X)
    assert predicted.shape == (80,)
    assert np.sqrt(np.mean((np.log(predicted) - np.log(y)) ** 2)) < 0.08


def test_what_is_saved_answers_the_same(network, tmp_path):
    save_network(network, tmp_path)
    again = load_network(tmp_path)
    X, _ = rows(20, seed=3)
    assert np.array_equal(predict_network(network, X), predict_network(again, X))
    assert again.columns == ("area", "quality", "corner")
    assert again.config["width"] == 32
    assert json.loads((tmp_path / "network.json").read_text())["network"] == "tabm"


def test_the_same_seed_gives_the_same_network(network):
    X, _ = rows(20, seed=3)
    assert np.array_equal(predict_network(network, X), predict_network(fitted()[0], X))
    assert not np.array_equal(predict_network(network, X), predict_network(fitted(seed=1)[0], X))


def test_columns_may_come_in_any_order_but_must_come(network):
    X, _ = rows(20, seed=3)
    shuffled = X[["corner", "area", "quality"]].assign(other=1)
    assert np.array_equal(predict_network(network, X), predict_network(network, shuffled))
    with pytest.raises(ModelError, match="'quality' is absent"):
        predict_network(network, X.drop(columns="quality"))


def test_a_killed_fit_goes_on_where_it_stopped(network, tmp_path):
    class KilledError(Exception):
        pass

    def kill(epoch, metrics):
        if epoch == 3:
            raise KilledError

    with pytest.raises(KilledError):
        fitted(checkpoint_folder=tmp_path, on_epoch=kill)
    epochs = []
    resumed, _ = fitted(checkpoint_folder=tmp_path, on_epoch=lambda epoch, _: epochs.append(epoch))
    X, _ = rows(20, seed=3)
    assert epochs[0] == 4
    assert np.array_equal(predict_network(network, X), predict_network(resumed, X))


def test_other_data_or_parameters_do_not_go_on_with_an_old_fit(tmp_path):
    fitted(checkpoint_folder=tmp_path, epochs=2)
    epochs = []
    other = {**PARAMS, "network": {"members": 4, "width": 16}}
    fitted(checkpoint_folder=tmp_path, epochs=2, params=other, on_epoch=lambda epoch, _: epochs.append(epoch))
    assert epochs == [0, 1]
    X, y = rows()
    assert digest_rows((X, y)) != digest_rows((X, y + 1))
    assert digest_rows((X, y)) != digest_rows((X.rename(columns={"area": "space"}), y))


def test_an_entry_that_a_config_does_not_take_is_named():
    with pytest.raises(CatalogError, match="'depht'"):
        fitted(params={"network": {"depht": 3}})
    with pytest.raises(CatalogError, match="'momentum'"):
        fitted(params={"training": {"momentum": 3}})


def test_features_with_gaps_are_refused():
    X, y = rows()
    X.loc[3, "area"] = np.nan
    with pytest.raises(ModelError, match="without gaps"):
        fit_network((X, y), (X, y), network="mlp", params={}, epochs=1, patience=None, seed=0, threads=1)


def test_a_folder_without_a_network_says_so(network, tmp_path):
    with pytest.raises(CheckpointError, match="train again"):
        load_network(tmp_path)
    save_network(network, tmp_path)
    (tmp_path / "network.pt").unlink()
    with pytest.raises(CheckpointError, match="found none"):
        load_network(tmp_path)


def test_the_callers_thread_count_comes_back():
    before = torch.get_num_threads()
    fitted(epochs=1, threads=before + 1)
    assert torch.get_num_threads() == before
