"""Stage prune: ensemble and network -> graphs by loss and latency, and the one to serve within the budget."""

from pathlib import Path

from features.errors import FeatureError
from models.ensemble import Ensemble
from models.errors import ModelError
from models.front import front_table, pick
from models.plots_front import plot_front
from pipeline.candidates import candidates
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, read_params
from pipeline.picked import Picked, write_picked
from pipeline.served import served_network
from pipeline.stage import run
from pipeline.tables import read_part, read_selection


def main(
    prepared: Path,
    selection: Path,
    ensemble: Path,
    network: Path,
    picked: Path,
    report: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Time the graphs that ENSEMBLE and NETWORK can become; write the choice PICKED and the folder REPORT.

    Losses are RMSLE on PREPARED/validation.parquet, latencies of one raw row in onnxruntime on this machine.
    Without a budget the network is picked.
    """
    wanted, chosen = read_params(params).export, read_selection(selection)
    target = chosen.inputs.target.name
    found = candidates(
        chosen,
        Ensemble(ensemble),
        served_network(chosen, network, output=wanted.output, taught=True),
        train=read_part(prepared / "train.parquet", target)[1],
        validation=read_part(prepared / "validation.parquet", target),
    )
    best = next(each for each in found if each.kind == "network")
    if wanted.budget_ms is not None:
        best = pick(found, budget_ms=wanted.budget_ms)
    table = front_table(found)
    with whole_folder(report) as fresh:
        write_csv(fresh / "front.csv", table)
        save_figure(fresh / "front.svg", plot_front(table, picked=best.name, budget_ms=wanted.budget_ms))
        told = {"name": best.name, "kind": best.kind, "loss": best.loss, "latency_ms": best.latency_ms}
        write_json(fresh / "metrics.json", {"picked": told, "budget_ms": wanted.budget_ms})
    write_picked(picked, Picked(best.kind, best.weights))


if __name__ == "__main__":
    run(main, FeatureError, ModelError)
