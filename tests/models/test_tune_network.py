"""The study of a table network."""

import numpy as np
import optuna
import pandas as pd
import pytest

from models.catalog import CATALOG
from models.errors import StudyError
from models.table import fit_network
from models.tuning import objective
from models.tuning.journal import open_journal
from models.tuning.objective import FULL, Rung, folds, nested
from models.tuning.table import tune_network


def rows(count: int, seed: int):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count)}).astype("float32")
    return X, pd.Series(np.exp(11 + 0.5 * X["a"] - 0.2 * X["b"] + rng.normal(0, 0.05, count)))


TRAIN, VALIDATION = rows(96, 0), rows(48, 1)


def tuned(folder, **options):
    settings = {
        "network": "mlp", "trials": 4, "epochs": 3, "patience": 2, "seed": 0, "threads": 1,
        "startup_trials": 2, "warm_up_steps": 1, "progress": False,
    }  # fmt: skip
    return tune_network(TRAIN, VALIDATION, storage=folder / "j", **{**settings, **options})


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


def test_a_ladder_reports_its_rungs_and_the_full_training_decides(tmp_path):
    ladder = (Rung(rows=0.25, epochs=0.5, size=0.5), Rung(rows=0.5), FULL)
    found = tuned(tmp_path, ladder=ladder, pruner="halving", trials=8, epochs=2)
    steps = {row["state"]: row["steps"] for row in found.study.trials}
    assert steps["complete"] == 3
    assert steps["pruned"] < 3
    _, history = fit_network(
        TRAIN, VALIDATION, network="mlp", params=found.params, epochs=2, patience=2, seed=0, threads=1,
        progress=False,
    )  # fmt: skip
    assert history.best["rmsle"] == found.study.best_value
    assert not list(tmp_path.glob("checkpoints/*/*")), "a trial that has ended needs none"


def test_smaller_shares_of_rows_lie_within_larger_ones():
    small, large = (set(nested(TRAIN, share, seed=1)[1]) for share in (0.25, 0.5))
    assert small < large
    assert (len(small), len(large)) == (24, 48)


def test_folds_are_steps_and_every_row_is_held_once(tmp_path):
    found = tuned(tmp_path, folds=4, pruner="wilcoxon", trials=3)
    assert max(row["steps"] for row in found.study.trials) == 4
    held = pd.concat([y for _, (_, y) in folds((TRAIN, VALIDATION), 4, seed=0)])
    assert sorted(held) == sorted([*TRAIN[1], *VALIDATION[1]])


def test_several_objectives_and_a_limit(tmp_path):
    found = tuned(
        tmp_path, objectives=["rmsle", "parameters"], limits={"parameters": 5000}, pruner="none", trials=8
    )
    sizes = {row["number"]: row["parameters"] for row in found.study.trials}
    best = next(row for row in found.study.trials if row["value"] == found.study.best_value)
    assert sizes[best["number"]] <= 5000 < max(sizes.values())
    assert tuned(tmp_path / "time", objectives=["rmsle", "latency_ms"], pruner="none", trials=1).study.trials


def test_a_killed_trial_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(objective, "CHECKPOINT_EVERY_S", 0.0)
    whole = tuned(tmp_path / "whole", epochs=4, patience=None, pruner="none")
    trained = []

    def fit(*args, on_epoch, **settings):
        def counted(epoch, metrics):
            on_epoch(epoch, metrics)
            trained.append(epoch)
            if len(trained) == 6:
                raise KeyboardInterrupt

        return fit_network(*args, on_epoch=counted, **settings)

    monkeypatch.setattr(objective, "fit_network", fit)
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path, epochs=4, patience=None, pruner="none", checkpoints=tmp_path / "c")
    killed = tuned(tmp_path, epochs=4, patience=None, pruner="none", checkpoints=tmp_path / "c")
    assert killed.study == whole.study
    assert len(trained) == 4 * 4, "no epoch was trained twice"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ladder": (Rung(rows=0.5),)}, "end with 1, 1, 1"),
        ({"ladder": (FULL, FULL)}, "each dearer"),
        ({"objectives": ["rmsle", "taste"], "pruner": "none"}, "latency_ms or parameters"),
        ({"objectives": ["rmsle", "parameters"]}, "no pruner with 2 objectives"),
        ({"folds": 3, "ladder": (Rung(rows=0.5), FULL)}, "folds or a ladder"),
        ({"sampler": "guess"}, "cmaes, gp, random, tpe"),
    ],
)
def test_what_cannot_be_searched_is_told(tmp_path, change, said):
    with pytest.raises(StudyError, match=said):
        tuned(tmp_path, **change)


def test_a_named_study_of_other_settings_is_not_gone_on_with(tmp_path):
    tuned(tmp_path, name="mine", trials=1)
    assert len(tuned(tmp_path, name="mine", trials=2).study.trials) == 2
    with pytest.raises(StudyError, match="another name"):
        tuned(tmp_path, name="mine", trials=2, epochs=2)
