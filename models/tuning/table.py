"""The study of a table network: its name, what it searches, and the entries that the best trial found."""

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FixedTrial

from models.catalog import entry
from models.errors import StudyError
from models.table import Rows, digest_rows
from models.tuning.objective import FULL, MEASURES, Rung, TableObjective, check_ladder
from models.tuning.search import Search
from models.tuning.storage import absolute
from models.tuning.study import StudyResult, run_study


@dataclass(frozen=True)
class TunedNetwork:
    """The best entries (``network`` and ``training``, as ``fit_network`` takes them) and the study."""

    params: dict[str, dict[str, Any]]
    study: StudyResult
    search: Search


def tune_network(
    train: Rows,
    validation: Rows,
    *,
    network: str,
    storage: str | Path,
    trials: int,
    epochs: int,
    patience: int | None,
    seed: int,
    threads: int,
    name: str = "",
    sampler: str = "tpe",
    pruner: str = "median",
    startup_trials: int = 8,
    warm_up_steps: int = 4,
    ladder: Sequence[Rung] = (FULL,),
    folds: int = 1,
    audit: int = 0,
    tau_floor: float = 0.0,
    objectives: Sequence[str] = ("rmsle",),
    limits: Mapping[str, float] | None = None,
    first: Sequence[Mapping[str, Any]] = (),
    study_patience: int | None = None,
    run_key: str = "",
    checkpoints: str | Path | None = None,
    workers: int = 1,
    timeout_s: float | None = None,
    progress: bool = True,
) -> TunedNetwork:
    """Search ``network``'s space for the least validation RMSLE of its best epoch.

    Each trial trains at most ``epochs``, ends after ``patience`` epochs without a better one, and is pruned
    by ``pruner`` after ``warm_up_steps``: epochs, or rungs of a ``ladder`` of several, or ``folds``. All
    trials share ``seed``. For the rest see ``Search``, ``TableObjective`` and ``run_study``.

    Without a ``name`` the study's holds a digest of data, space and every setting but ``trials``, so that
    more trials go on with the same study and any other change starts a fresh one in ``storage``;
    ``run_key`` adds the caller's part. Under a name it is for the caller to see to it: a study of another
    digest is an error.
    """
    _check(objectives, limits, ladder, folds, network)
    chosen = entry(network)
    settings = [
        network, epochs, patience, seed, threads, sampler, pruner, startup_trials, warm_up_steps,
        [asdict(rung) for rung in ladder], folds, audit, tau_floor, [*objectives], dict(limits or {}),
        run_key,
    ]  # fmt: skip
    text = json.dumps(settings) + digest_rows(train, validation) + inspect.getsource(chosen.search_space)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    search = Search(
        name=name or f"{network}-{digest}", storage=storage, trials=trials, seed=seed,
        objectives=dict.fromkeys(objectives, "minimize"), sampler=sampler, pruner=pruner,
        startup_trials=startup_trials, warm_up_steps=warm_up_steps, every_step=len(ladder) > 1 or folds > 1,
        patience=study_patience, audit=audit, tau_floor=tau_floor, digest=digest,
        about={"network": network},
    )  # fmt: skip
    objective = TableObjective(
        train, validation, network, epochs, patience, seed, threads, ladder=tuple(ladder), folds=folds,
        objectives=tuple(objectives), limits=limits,
        checkpoints=None if checkpoints is None else absolute(checkpoints), run_key=run_key,
    )  # fmt: skip
    study = run_study(objective, search, first=first, workers=workers, timeout_s=timeout_s, progress=progress)
    return TunedNetwork(chosen.search_space(FixedTrial(study.best_params)), study, search)


def _check(
    objectives: Sequence[str],
    limits: Mapping[str, float] | None,
    ladder: Sequence[Rung],
    folds: int,
    network: str,
) -> None:
    check_ladder(ladder, network)
    known = sorted(MEASURES)
    if objectives[0] != "rmsle" or not {*objectives[1:], *(limits or {})} <= set(known):
        raise StudyError(
            f"expected the objectives rmsle and {' or '.join(known)}, and limits of these two, got "
            f"{list(objectives)} and {dict(limits or {})}"
        )
    if folds < 1 or (folds > 1 and len(ladder) > 1):
        raise StudyError(f"expected folds or a ladder of rungs, got {folds} folds and {len(ladder)} rungs")
