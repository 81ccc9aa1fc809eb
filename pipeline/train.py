"""Stage train: the best configuration, taught by the ensemble -> the network and its learning curve."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.errors import FeatureError
from models.distil import blended, mixed_rows
from models.ensemble import Ensemble
from models.errors import ModelError
from models.plots import plot_learning
from models.table import Rows, fit_network, save_network
from pipeline.errors import InputError
from pipeline.figures import save_figure
from pipeline.files import read_yaml, whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, TrainParams, read_params
from pipeline.stage import run
from pipeline.tables import Selection, read_encoded, read_part, read_selection


def main(
    prepared: Path,
    selection: Path,
    best: Path,
    ensemble: Path,
    network: Path,
    report: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Train what BEST (best.yaml of the study) names on PREPARED; write the folders NETWORK and REPORT.

    Where `train.distil` says so, the network learns from ENSEMBLE's answers, to further rows as well.
    """
    wanted, chosen = read_params(params).train, read_selection(selection)
    name, entries = read_best(best)
    fitted, history = fit_network(
        lesson(prepared / "train.parquet", chosen, ensemble, wanted),
        read_encoded(prepared / "validation.parquet", chosen),
        network=name,
        params=entries,
        epochs=wanted.epochs,
        patience=wanted.patience,
        seed=wanted.seed,
        threads=wanted.threads,
    )
    curve = pd.DataFrame(history.epochs).rename_axis("epoch").reset_index()
    metrics = {f"validation_{metric}": value for metric, value in history.best.items()}
    with whole_folder(network) as weights, whole_folder(report) as evidence:
        save_network(fitted, weights)
        write_csv(evidence / "learning.csv", curve)
        write_json(
            evidence / "metrics.json", {"best_epoch": history.best_epoch, "epochs": len(curve), **metrics}
        )
        figure = plot_learning(curve, metric="rmsle", best_epoch=history.best_epoch)
        save_figure(evidence / "learning.svg", figure)


def lesson(train: Path, chosen: Selection, ensemble: Path, wanted: TrainParams) -> Rows:
    """What the network learns from: the encoded training rows and their target, or the teacher's lesson."""
    X, y = read_encoded(train, chosen)
    distil = wanted.distil
    if distil is None:
        return X, y
    raw = chosen.raw(read_part(train, chosen.inputs.target.name)[0])
    more = chosen.encode(mixed_rows(raw, X, copies=distil.copies, share=distil.share, seed=wanted.seed))
    together = pd.concat([X, more], ignore_index=True)
    answers = Ensemble(ensemble).predict(together)
    answers[: len(y)] = blended(np.asarray(y, dtype=np.float64), answers[: len(y)], weight=distil.truth)
    return together, pd.Series(answers, name=y.name)


def read_best(path: Path) -> tuple[str, dict[str, dict[str, Any]]]:
    """The network's name and the entries that the study found, from its best.yaml."""
    found = read_yaml(path)
    try:
        return str(found["name"]), {part: dict(found[part]) for part in ("network", "training")}
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path} names no network with its entries ({error!r}): run the stage tune"
        ) from error


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
