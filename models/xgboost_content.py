"""What an XGBoost model holds: its trees, the score that each adds to, and what the scores begin with."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class XGBoostContent:
    """``trees`` as XGBoost's JSON has them, in the order of training, ``per_round`` a round.

    ``scores`` names by tree the raw score (a class, or 0) that it adds to, and ``bases`` is float64, what
    each raw score begins with.
    """

    trees: list[dict[str, Any]]
    scores: list[int]
    per_round: int
    bases: NDArray[np.float64]

    @classmethod
    def of(cls, booster: Any) -> "XGBoostContent":
        """Read an xgboost.Booster."""
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        model = learner["gradient_booster"]["model"]
        shape = learner["learner_model_param"]
        bases = np.array(shape["base_score"].strip("[]").split(","), dtype=np.float32).astype(np.float64)
        if learner["objective"]["name"] == "binary:logistic":
            bases = np.log(bases / (1 - bases))
        # One number stands for all classes.
        wide = np.resize(bases, max(int(shape["num_class"]), 1))
        first = model.get("iteration_indptr", [0, len(wide)])
        return cls(model["trees"], [int(score) for score in model["tree_info"]], first[1] - first[0], wide)
