"""The `millrace study` commands, and the plots of a study."""

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from models.catalog import CATALOG
from models.plots_study import (
    drawn_parameters,
    plot_audit,
    plot_contour,
    plot_importances,
    plot_parallel,
    plot_parameters,
    plot_timeline,
)
from models.tuning.evidence import importances, log_parameters, timeline
from models.tuning.search import Search
from models.tuning.study import load_study, run_study
from models.tuning.warm_start import best_params
from pipeline.cli import app


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "kind": rng.choice(["u", "v"], 80)})
    frame["price"] = np.exp(5 + 0.5 * frame["a"] + (frame["kind"] == "u"))
    frame.loc[3, "a"] = np.nan
    frame.to_parquet(tmp_path / "table.parquet")
    return tmp_path / "table.parquet"


def millrace(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["study", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


def run(table, *words: object, name: str = "mine", trials: int = 9, code: int = 0) -> str:
    return millrace(
        "run", name, "--network", "mlp", "--data", table, "--target", "price", "--epochs", 2, "--audit", 3,
        "--trials", trials, "--storage", table.parent / "j", *words, code=code,
    )  # fmt: skip


def test_a_study_is_run_shown_exported_and_its_best_tried_first_in_another(table):
    storage = table.parent / "j"
    assert "9 trials, the best RMSLE" in run(table)
    shown = millrace("show", "mine", "--storage", storage)
    assert "importance of lr" in shown
    assert "after step 1: tau" in shown
    millrace("export", "mine", table.parent / "best.yaml", "--storage", storage)
    best = yaml.safe_load((table.parent / "best.yaml").read_text())
    assert best["name"] == "mlp"
    assert {"network", "training"} <= set(best)
    run(table, "--warm-start", "mine", "--rung", "rows=0.5", "--pruner", "halving", name="next", trials=2)
    first, second = best_params(["mine"], storage)[:2]
    tried = load_study("next", storage).get_trials()
    assert [trial.params for trial in tried[:2]] == [first, second]


def test_the_starts_of_the_network_are_tried_first_unless_others_are_named(table):
    storage, starts = table.parent / "j", [dict(start) for start in CATALOG["mlp"].starts.values()]
    told = {"all": [], "one": ["--first", "default"], "none": ["--first", "none"]}
    for name, words in told.items():
        run(table, *words, name=name, trials=len(starts))
    tried = {name: [trial.params for trial in load_study(name, storage).get_trials()] for name in told}
    assert tried["all"] == starts
    assert tried["one"][0] == CATALOG["mlp"].starts["default"]
    assert not [params for params in tried["none"] if params in starts]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--timeout", "soon"], "expected a time as 90s"),
        (["--rung", "cows=0.5"], "expected shares of rows, epochs, size"),
        (["--target", "cost"], "no column 'cost'"),
        (["--first", "best"], "expected one of mlp's starts (portfolio_1"),
        (["--storage", "sqlite:///x.db"], "SQLite is not for several processes"),
        (["--network", "lstm"], "takes other entries"),
    ],
)
def test_what_will_not_do_is_one_line(table, words, said):
    output = run(table, *words, code=1)
    assert said in output
    assert "Traceback" not in output


def test_no_study_of_that_name(table):
    assert "expected a study among those" in millrace(
        "show", "other", "--storage", table.parent / "j", code=1
    )


@pytest.fixture
def study(tmp_path):
    def objective(trial, report):
        width = trial.suggest_categorical("width", [8, 16])
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        report(0, rate)
        return 10 * abs(np.log10(rate) + 2) + width / 100

    search = Search(name="s", storage=tmp_path / "j", trials=14, seed=0, startup_trials=14)
    return run_study(objective, search, progress=False), load_study("s", tmp_path / "j")


def test_the_parameter_that_matters_is_the_first(study):
    shares = importances(study[1])
    assert next(iter(shares)) == "rate"
    assert shares["rate"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)
    assert log_parameters(study[1]) == {"rate"}


def test_the_timeline_has_a_stretch_for_every_trial(study):
    stretches = timeline(study[1])
    assert list(stretches["number"]) == list(range(14))
    assert (stretches["end"] >= stretches["begin"]).all()
    assert stretches["begin"].min() == 0


def test_every_plot_is_drawn(study, tmp_path):
    trials = pd.DataFrame(study[0].trials)
    assert drawn_parameters(trials) == ["width", "rate"]
    audits = [
        {"step": 0, "tau": 0.1, "low": -0.5, "high": 0.6, "trusted": False},
        {"step": 1, "tau": None, "low": None, "high": None, "trusted": True},
    ]
    stretches = timeline(study[1]).assign(worker=lambda rows: np.where(rows["number"] % 2, "a/1/x", "a/2/y"))
    figures = [
        plot_importances(importances(study[1])),
        plot_parameters(trials, metric="loss", logs={"rate"}),
        plot_parallel(trials, metric="loss", logs={"rate"}),
        plot_contour(trials, ("rate", "width"), metric="loss", logs={"rate"}),
        plot_audit(audits, floor=0.3, step="epochs"),
        plot_timeline(stretches),
    ]
    for place, figure in enumerate(figures):
        figure.savefig(tmp_path / f"{place}.svg")
        assert (tmp_path / f"{place}.svg").stat().st_size > 2000
