"""Stage ensemble: train rows -> AutoGluon's bagged, boosted and stacked ensemble, with its leaderboard."""

from pathlib import Path

from models.ensemble import fit_ensemble
from models.plots import plot_leaderboard
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from pipeline.tables import read_encoded, read_selection


def main(prepared: Path, selection: Path, ensemble: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Fit on PREPARED/train.parquet, encoded as SELECTION says; write the folder ENSEMBLE and REPORT."""
    settings = read_params(params)
    wanted = settings.ensemble
    chosen = read_selection(selection)
    X, y = read_encoded(prepared / "train.parquet", chosen)
    with whole_folder(ensemble) as fresh:
        board = fit_ensemble(
            X,
            y,
            folder=fresh,
            families=wanted.families,
            folds=wanted.folds,
            stack_levels=wanted.stack_levels,
            stacked=wanted.stacked,
            log_target=settings.prepare.positive_target,
            threads=wanted.threads,
            time_limit_s=wanted.time_limit_s,
        )
    write_csv(report / "leaderboard.csv", board)
    save_figure(report / "leaderboard.svg", plot_leaderboard(board))
    final = board[board["final"]].iloc[0]
    write_json(
        report / "metrics.json",
        {"models": len(board), "final": final["model"], "oof_rmsle": float(final["oof_rmse"])},
    )


if __name__ == "__main__":
    run(main)
