"""Stage train: the best configuration, trained in full -> the network and its learning curve."""

from pathlib import Path

import pandas as pd
import yaml

from models.plots import plot_learning
from models.table import fit_network, save_network
from pipeline.errors import InputError
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from pipeline.tables import read_encoded, read_selection


def main(
    prepared: Path, selection: Path, best: Path, network: Path, report: Path, params: Path = PARAMS_FILE
) -> None:
    """Train what BEST (best.yaml of the study) names on PREPARED; write the folder NETWORK and REPORT."""
    settings, chosen = read_params(params), read_selection(selection)
    wanted = settings.train
    try:
        found = yaml.safe_load(best.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{best} is not there or not YAML: run the stage tune") from error
    fitted, history = fit_network(
        read_encoded(prepared / "train.parquet", chosen),
        read_encoded(prepared / "validation.parquet", chosen),
        network=found["name"],
        params={part: found[part] for part in ("network", "training")},
        epochs=wanted.epochs,
        patience=wanted.patience,
        seed=wanted.seed,
        threads=wanted.threads,
        output=settings.export.output,
    )
    with whole_folder(network) as fresh:
        save_network(fitted, fresh)
    curve = pd.DataFrame(history.epochs).rename_axis("epoch").reset_index()
    write_csv(report / "learning.csv", curve)
    metrics = {f"validation_{name}": value for name, value in history.best.items()}
    write_json(report / "metrics.json", {"best_epoch": history.best_epoch, "epochs": len(curve), **metrics})
    save_figure(report / "learning.svg", plot_learning(curve, metric="rmsle", best_epoch=history.best_epoch))


if __name__ == "__main__":
    run(main)
