"""A fitted ensemble of AutoGluon's: its answers, those of its members, and how it is built."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray

from models.ensemble_info import EnsembleInfo
from models.errors import EnsembleError
from models.temperature import tempered

Floats = NDArray[np.float64]


class Ensemble:
    """A fitted ensemble read from its folder; only read folders you wrote (loading unpickles)."""

    def __init__(self, folder: Path) -> None:
        try:
            self.info = EnsembleInfo.read(folder)
            self.predictor = TabularPredictor.load(str(folder / "predictor"), verbosity=0)
        except Exception as error:  # whatever a file that is absent, or a torn pickle, raises
            raise EnsembleError(
                f"{folder} holds no whole ensemble: run the stage that fits it again"
            ) from error

    def predict(
        self, X: pd.DataFrame, *, model: str | None = None, weights: Mapping[str, float] | None = None
    ) -> NDArray[Any]:
        """Answers (rows,): numbers float64 in the target's unit, or classes as text.

        They are the final ones, or those of the member `model`, or the mean of members by `weights`.
        Raises EnsembleError if a column is absent.
        """
        if self.info.classes:
            names: NDArray[Any] = np.array(self.info.classes, dtype=object)
            return np.asarray(names[self.predict_proba(X, model=model, weights=weights).argmax(axis=1)])
        answer = np.asarray(self._raw(X, model, weights), dtype=np.float64)
        return np.asarray(np.expm1(answer)) if self.info.log_target else answer

    def predict_proba(
        self, X: pd.DataFrame, *, model: str | None = None, weights: Mapping[str, float] | None = None
    ) -> Floats:
        """Probabilities (rows, classes) in the order of `info.classes`; EnsembleError for numbers.

        `model` and `weights` as in `predict`.
        """
        if not self.info.classes:
            raise EnsembleError("expected an ensemble of classes, got one of numbers: ask predict")
        return tempered(all_classes(self._raw(X, model, weights)), self.info.temperature)

    def members(self, X: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
        """What each bagged member answers, on the scale that it learnt on: (rows,) or (rows, classes)."""
        return self._members(X, [name for name in self.predictor.model_names() if _is_member(name)])

    def out_of_fold(self) -> dict[str, NDArray[np.float32]]:
        """As `members`, of the training rows, each answered by the fold that did not learn from it."""
        return {
            name: np.asarray(self.predictor.predict_proba_oof(model=name, as_multiclass=False))
            if self.info.classes
            else np.asarray(self.predictor.predict_oof(model=name))
            for name in self.predictor.model_names()
            if _is_member(name)
        }

    def below(self) -> dict[str, tuple[str, ...]]:
        """By member, those whose answers it reads."""
        trainer = self.predictor._trainer
        return {
            name: tuple(trainer.load_model(name).base_model_names)
            for name in self.predictor.model_names()
            if _is_member(name)
        }

    def _raw(self, X: pd.DataFrame, model: str | None, weights: Mapping[str, float] | None) -> Any:
        """AutoGluon's answers, or their weighted mean, in double precision and rounded as its own."""
        if weights is None:
            if self.info.classes:
                return self.predictor.predict_proba(self._table(X), model=model, as_multiclass=False)
            return self.predictor.predict(self._table(X), model=model)
        answers = self._members(X, list(weights))
        total = sum(answers[name] * np.float64(weight) for name, weight in weights.items())
        return np.asarray(total).astype(np.float32)

    def _members(self, X: pd.DataFrame, names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Each stack level is asked once, whatever the number of members above it."""
        table = self._table(X)
        found = (
            self.predictor.predict_proba_multi(table, models=list(names), as_multiclass=False)
            if self.info.classes
            else self.predictor.predict_multi(table, models=list(names))
        )
        return {name: np.asarray(values, dtype=np.float32) for name, values in found.items()}

    def _table(self, X: pd.DataFrame) -> pd.DataFrame:
        absent = [name for name in self.info.columns if name not in X.columns]
        if absent:
            raise EnsembleError(f"the ensemble needs the column {absent[0]!r}, which the table lacks")
        return X[list(self.info.columns)].astype("float32")


def _is_member(model: str) -> bool:
    return not model.startswith("WeightedEnsemble")


def all_classes(raw: Any) -> Floats:
    """Probabilities (rows, classes) from AutoGluon's, which of two classes are the second's alone."""
    shares = np.asarray(raw, dtype=np.float64)
    return np.column_stack([1 - shares, shares]) if shares.ndim == 1 else shares
