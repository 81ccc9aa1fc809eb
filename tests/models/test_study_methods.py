"""Every sampler and pruner by name, and the fidelity audit on ladders whose tau is known."""

import math

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from models.errors import StudyError
from models.tuning.audit import AuditedPruner, audit_steps
from models.tuning.pruners import PRUNERS
from models.tuning.samplers import SAMPLERS, sampler
from models.tuning.search import Search
from models.tuning.study import load_study, run_study


def bowl(trial, report):
    x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    depth = trial.suggest_int("depth", 1, 3) if kind == "b" else 0  # a conditional space
    value = (x - 1) ** 2 + (y + 2) ** 2 + depth
    for step in range(4):
        report(step, value + 0.1 * (4 - step))
    return value


def found(folder, trials=20, **options):
    settings = {"name": "s", "seed": 0, "startup_trials": 5, "warm_up_steps": 1, **options}
    return run_study(bowl, Search(storage=folder / "j", trials=trials, **settings), progress=False)


def test_tpe_draws_jointly_what_every_trial_has(tmp_path):
    found(tmp_path, sampler="tpe", pruner="none", trials=8)
    study = load_study("s", tmp_path / "j")
    drawn = sampler("tpe", seed=0, startup_trials=5).infer_relative_search_space(study, study.trials[-1])
    assert set(drawn) == {"x", "y", "kind"}, "depth is asked for one kind alone"


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_repeats_itself_also_when_it_was_stopped(tmp_path, name):
    whole = found(tmp_path / "whole", sampler=name, trials=12)
    found(tmp_path / "parts", sampler=name, trials=8)
    assert found(tmp_path / "parts", sampler=name, trials=12) == whole
    assert len({(row["param_x"], row["param_y"]) for row in whole.trials}) == 12


@pytest.mark.parametrize("name", sorted({*SAMPLERS} - {"random"}))
def test_a_sampler_learns(tmp_path, name):
    def mean(result):
        return np.mean([row["value"] for row in result.trials[-10:]])

    learnt = found(tmp_path / "learnt", sampler=name, trials=30, pruner="none")
    random = found(tmp_path / "random", sampler="random", trials=30, pruner="none")
    assert mean(learnt) < mean(random)


@pytest.mark.parametrize("name", sorted({*PRUNERS} - {"none"}))
@pytest.mark.parametrize("every_step", [False, True])
def test_a_pruner_spares_the_best_and_ends_others_early(tmp_path, name, every_step):
    result = found(tmp_path, pruner=name, every_step=every_step)
    rows = {row["number"]: row for row in result.trials}
    pruned = [row for row in rows.values() if row["state"] == "pruned"]
    assert pruned
    assert all(row["steps"] <= 4 for row in pruned)
    assert min(row["value"] for row in pruned) >= result.best_value


def test_without_a_pruner_all_are_complete(tmp_path):
    assert {row["state"] for row in found(tmp_path, pruner="none").trials} == {"complete"}


def test_an_unknown_sampler_lists_those_there_are():
    with pytest.raises(StudyError, match=r"cmaes, gp, random, tpe.*'grid'"):
        sampler("grid", seed=0, startup_trials=1)


def test_a_study_that_is_not_there_lists_those_there_are(tmp_path):
    found(tmp_path, trials=1)
    with pytest.raises(StudyError, match=r"\(s\), got 'other'"):
        load_study("other", tmp_path / "j")


def ladder(*steps: list[float], final: list[float]) -> optuna.Study:
    """A study of whole trials that told ``steps`` and ended with ``final``."""
    study = optuna.create_study()
    for place, value in enumerate(final):
        told = {step: values[place] for step, values in enumerate(steps)}
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE, value=value, intermediate_values={**told, len(steps): value}
            )
        )
    return study


def test_the_audit_gives_the_tau_that_is_there():
    final = [1.0, 2, 3, 4, 5, 6, 7, 8]
    swapped = [2.0, 1, 4, 3, 6, 5, 8, 7]  # 4 of 28 pairs the other way round: (24 - 4) / 28
    audits = audit_steps(ladder(final[::-1], swapped, final, final=final), audit=8, floor=0.5)
    assert [audit.tau for audit in audits] == pytest.approx([-1, 20 / 28, 1])
    assert [audit.trusted for audit in audits] == [False, True, True]
    assert audits[1].low < 20 / 28 < audits[1].high
    assert (audits[2].low, audits[2].high) == (1, 1)
    assert audits == audit_steps(ladder(final[::-1], swapped, final, final=final), audit=8, floor=0.5)


@pytest.mark.slow
def test_the_interval_holds_the_true_tau_nine_times_in_ten():
    rho, count, hits = 0.8, 40, 0
    true = 2 / math.pi * math.asin(rho)  # of two normal variables, Kendall (1949)
    rng = np.random.default_rng(0)
    for _ in range(40):
        final = rng.normal(size=count)
        early = rho * final + math.sqrt(1 - rho**2) * rng.normal(size=count)
        (audit,) = audit_steps(ladder(list(early), final=list(final)), audit=count, floor=0)
        hits += audit.low <= true <= audit.high
    assert hits >= 34


def test_a_step_that_misleads_does_not_prune_and_one_that_does_not_does():
    final = [1.0, 2, 3, 4, 5, 6]
    study = ladder(final[::-1], final, final=final)
    pruner = AuditedPruner(PRUNERS_MEDIAN, audit=6, floor=0.5)
    bad = create_trial(state=TrialState.PRUNED, value=9.0, intermediate_values={0: 9.0})
    bad.number = 6
    assert PRUNERS_MEDIAN.prune(study, bad)
    assert not pruner.prune(study, bad)
    bad.intermediate_values[1] = 9.0
    assert pruner.prune(study, bad)
    bad.number = 5
    assert not pruner.prune(study, bad), "it is one of the sample"


def test_equal_or_few_values_have_no_order():
    assert audit_steps(ladder([1.0, 1, 1], final=[1.0, 2, 3]), audit=3, floor=1)[0].tau is None
    assert audit_steps(ladder([1.0, 2], final=[1.0, 2]), audit=3, floor=1)[0].trusted


PRUNERS_MEDIAN = optuna.pruners.MedianPruner(n_startup_trials=1)
