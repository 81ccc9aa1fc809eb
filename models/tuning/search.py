"""What a study looks for and how: everything that two workers on one study must agree on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.study import Study

from models.errors import StudyError
from models.tuning.audit import AuditedPruner
from models.tuning.pruners import pruner
from models.tuning.samplers import sampler
from models.tuning.storage import Storage

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Search:
    """A study's name, where it is kept (see ``open_storage``), and its settings.

    ``name`` should carry a digest of search space, data and seed: another name is another study in the same
    storage. ``objectives`` are what a trial returns, by name, in order. ``startup_trials`` are drawn at
    random and never pruned, ``warm_up_steps`` of each trial neither; where the steps are the few rungs of
    a ladder, ``every_step`` lets the halving pruner judge at each. ``patience`` is how many finished trials
    without a better one end the study.

    The first ``audit`` trials run to the end whatever their steps say; a step whose order agrees with the
    final order by less than ``tau_floor`` (Kendall's tau over them) prunes none of the later ones.
    ``digest`` is of all else that trials depend on: a study of this name and another digest is an error.
    ``about`` is kept with the study for those who read it.
    """

    name: str
    storage: str | Path
    trials: int
    seed: int
    objectives: Mapping[str, Direction] = field(default_factory=lambda: {"value": "minimize"})
    sampler: str = "tpe"
    pruner: str = "median"
    startup_trials: int = 8
    warm_up_steps: int = 4
    every_step: bool = False
    patience: int | None = None
    audit: int = 0
    tau_floor: float = 0.0
    digest: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise StudyError(f"expected at least 1 trial, got {self.trials}")
        if len(self.objectives) > 1 and self.pruner != "none":
            raise StudyError(
                f"expected no pruner with {len(self.objectives)} objectives, got {self.pruner!r}: pruners "
                "compare one value; make all but one objective a limit, or give pruner: none"
            )

    def open(self, storage: Storage) -> Study:
        """Create the study, or load it where it is there already."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        inner = pruner(
            self.pruner, startup_trials=self.startup_trials, warm_up_steps=self.warm_up_steps,
            every_step=self.every_step,
        )  # fmt: skip
        study = optuna.create_study(
            study_name=self.name,
            storage=storage.optuna,
            sampler=sampler(self.sampler, seed=self.seed, startup_trials=self.startup_trials),
            pruner=AuditedPruner(inner, self.audit, self.tau_floor) if self.audit else inner,
            directions=list(self.objectives.values()),
            load_if_exists=True,
        )
        kept = study.user_attrs.get("digest")
        if kept is None and self.digest:
            for key, told in {**self.about, "audit": self.audit, "tau_floor": self.tau_floor}.items():
                study.set_user_attr(key, told)
            study.set_user_attr("digest", self.digest)
        elif kept is not None and kept != self.digest:
            raise StudyError(
                f"expected the study {self.name} to be of the same data, space and settings, it is of "
                "others; give this one another name"
            )
        return study
