"""Stage ensemble: train rows -> AutoGluon's bagged, boosted and stacked ensemble, with its leaderboard."""

from pathlib import Path

from features.errors import FeatureError
from models.ensemble_fit import fit_ensemble
from models.errors import ModelError
from models.plots import plot_leaderboard
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from pipeline.tables import read_encoded, read_selection


def main(prepared: Path, selection: Path, ensemble: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Fit on PREPARED/train.parquet, encoded as SELECTION says; write the folders ENSEMBLE and REPORT."""
    wanted = read_params(params).ensemble
    X, y = read_encoded(prepared / "train.parquet", read_selection(selection))
    with whole_folder(ensemble) as models, whole_folder(report) as evidence:
        board = fit_ensemble(X, y, folder=models, **wanted.settings())
        write_csv(evidence / "leaderboard.csv", board)
        save_figure(evidence / "leaderboard.svg", plot_leaderboard(board))
        final = board[board["final"]].iloc[0]
        rmsle = float(final["oof_rmse"])
        write_json(
            evidence / "metrics.json", {"models": len(board), "final": final["model"], "oof_rmsle": rmsle}
        )


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
