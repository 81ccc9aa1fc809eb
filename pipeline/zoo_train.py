"""Stage train of the zoo: a network's block of parameters and its data -> weights and the learning curve."""

import time
from pathlib import Path

import pandas as pd

from models.errors import ModelError
from models.live import live_log
from models.plots import plot_learning
from models.recipe import save_learner
from models.table import torch_threads
from models.trainer import History, fit
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.lineage import digest_code, digest_json
from pipeline.stage import run
from pipeline.zoo import Work, work_on
from pipeline.zoo_params import ZOO_PARAMS_FILE


def main(name: str, network: Path, report: Path, live: Path, params: Path = ZOO_PARAMS_FILE) -> None:
    """Train NAME; write the folders NETWORK and REPORT. LIVE holds checkpoints and curves of the run."""
    train(work_on(name, params), network, report, live)


def train(work: Work, network: Path, report: Path, live: Path) -> None:
    """Train one network; a run that was killed goes on from its last checkpoint in `live`."""
    wanted = work.params.training
    learner = work.recipe.learner(
        work.name, work.entry, work.data,
        network=work.params.network, options=work.params.options, seed=wanted.seed,
    )  # fmt: skip
    key = digest_json([work.params.model_dump(), work.data.origin.digest, digest_code()])
    watch, log = work.recipe.watch(learner, live / "pictures"), live_log(live / "dvclive")

    def on_epoch(epoch: int, metrics: dict[str, float]) -> None:
        log(epoch, metrics)
        if watch is not None:
            watch(epoch, metrics)

    begun = time.perf_counter()
    with torch_threads(wanted.threads):
        history = fit(
            learner.task,
            work.recipe.batches(
                learner, work.data.train, batch_size=wanted.batch_size, shuffle=True, seed=wanted.seed
            ),
            work.recipe.batches(learner, work.data.validation, batch_size=wanted.batch_size),
            on_epoch=on_epoch, checkpoint_folder=live / "checkpoints", run_key=key,
            **wanted.model_dump(exclude={"batch_size", "threads"}),
        )  # fmt: skip
    seconds = time.perf_counter() - begun
    with whole_folder(network) as weights, whole_folder(report) as evidence:
        save_learner(learner, weights)
        _write_report(work, history, seconds, evidence, live / "pictures")


def _write_report(work: Work, history: History, seconds: float, report: Path, pictures: Path) -> None:
    curve = pd.DataFrame(history.epochs).rename_axis("epoch").reset_index()
    best = {f"validation_{metric}": value for metric, value in history.best.items()}
    write_csv(report / "learning.csv", curve)
    counted = {"best_epoch": history.best_epoch, "epochs": len(curve)}
    write_json(report / "metrics.json", {**counted, "data": work.data.origin.to_dict(), **best})
    # Apart, for it differs between two runs of the same; of a run that was killed it counts the last part.
    write_json(report / "seconds.json", {"train": round(seconds, 1)})
    figure = plot_learning(curve, metric=work.entry.task.monitor, best_epoch=history.best_epoch)
    save_figure(report / "learning.svg", figure)
    for picture in sorted(pictures.glob("*.png")):
        (report / picture.name).write_bytes(picture.read_bytes())


if __name__ == "__main__":
    run(main, ModelError)
