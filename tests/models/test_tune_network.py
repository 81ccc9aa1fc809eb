"""The study of a table network."""

import numpy as np
import optuna
import pandas as pd

from models.catalog import CATALOG
from models.table import fit_network
from models.tuning.journal import open_journal
from models.tuning.table import tune_network


def rows(count: int, seed: int):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count)}).astype("float32")
    return X, pd.Series(np.exp(11 + 0.5 * X["a"] - 0.2 * X["b"] + rng.normal(0, 0.05, count)))


TRAIN, VALIDATION = rows(96, 0), rows(48, 1)


def tuned(folder, **options):
    settings = {
        "network": "mlp", "trials": 4, "epochs": 3, "patience": 2, "seed": 0, "threads": 1,
        "startup_trials": 2, "warm_up_epochs": 1, "progress": False,
    }  # fmt: skip
    return tune_network(TRAIN, VALIDATION, storage_path=folder / "j", **{**settings, **options})


def test_the_best_entries_reach_the_best_value(tmp_path):
    found = tuned(tmp_path)
    assert len(found.study.trials) == 4
    assert set(found.params) == {"network", "training"}
    CATALOG["mlp"].config(features=2, numbers=(0, 1), **found.params["network"])
    _, history = fit_network(
        TRAIN,
        VALIDATION,
        network="mlp",
        params=found.params,
        epochs=3,
        patience=2,
        seed=0,
        threads=1,
        progress=False,
    )
    assert history.best["rmsle"] == found.study.best_value


def test_a_study_goes_on_only_with_what_is_the_same(tmp_path):
    two = tuned(tmp_path, trials=2)
    four = tuned(tmp_path, trials=4)
    other = tuned(tmp_path, trials=2, run_key="changed code")
    assert four.study.trials[:2] == two.study.trials
    assert other.study.trials == two.study.trials  # run afresh, and repeatable
    assert len(optuna.get_all_study_names(open_journal(tmp_path / "j"))) == 2
