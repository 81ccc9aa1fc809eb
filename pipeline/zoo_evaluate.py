"""Stage evaluate of the zoo: a trained network on the test split -> metrics, beside the published figure."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.recipe import Learner
from models.table import torch_threads
from pipeline.figures import save_figure
from pipeline.files import read_json, whole_folder, write_json
from pipeline.stage import run
from pipeline.zoo import Work, work_on
from pipeline.zoo_params import ZOO_PARAMS_FILE


def main(name: str, network: Path, trained: Path, report: Path, params: Path = ZOO_PARAMS_FILE) -> None:
    """Judge NETWORK on the test split of NAME; write the folder REPORT. TRAINED is what train reported."""
    evaluate(work_on(name, params), network, trained, report)


def evaluate(work: Work, network: Path, trained: Path, report: Path) -> dict[str, Any]:
    """Judge one trained network; returns its row of the zoo's table."""
    learner = work.load(network)
    with torch_threads(work.params.training.threads):
        metrics = work.recipe.evaluate(learner, work.data.test, batch_size=work.params.training.batch_size)
        figures = work.recipe.evidence(learner, work.data.test)
    row = _row(work, learner, metrics, trained)
    with whole_folder(report) as fresh:
        write_json(fresh / "metrics.json", row)
        for stem, figure in figures.items():
            save_figure(fresh / f"{stem}.svg", figure)
    return row


def _row(work: Work, learner: Learner, metrics: dict[str, float], trained: Path) -> dict[str, Any]:
    parameters = sum(weight.numel() for weight in learner.task.parameters())
    return {
        "network": work.name,
        "metrics": metrics,
        "published": asdict(work.entry.published),
        "data": work.data.origin.to_dict(),
        "parameters": parameters,
        "epochs": read_json(trained / "metrics.json")["epochs"],
        "training": work.params.training.model_dump(exclude_defaults=True),
    }


if __name__ == "__main__":
    run(main, ModelError)
