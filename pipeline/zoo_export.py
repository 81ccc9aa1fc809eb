"""Stage export of the zoo: a trained network -> proven graphs in a bundle that the service loads."""

from pathlib import Path
from typing import Any

from models.errors import ModelError
from pipeline.files import read_json
from pipeline.lineage import digest_code, digest_files, digest_json
from pipeline.stage import run
from pipeline.zoo import Work, work_on
from pipeline.zoo_params import ZOO_PARAMS_FILE
from serving.bundle import Bundle
from serving.bundle_files import write_bundle
from serving.errors import ServingError

TOLERANCE = 1e-4
"""Largest difference between graph and torch, as a share of the answer."""


def main(name: str, network: Path, evaluated: Path, bundle: Path, params: Path = ZOO_PARAMS_FILE) -> None:
    """Export NETWORK into the folder BUNDLE (root/NAME/VERSION) with the metrics of the report EVALUATED."""
    export(work_on(name, params), network, evaluated, bundle)


def export(work: Work, network: Path, evaluated: Path, bundle: Path) -> None:
    """Write one network's bundle; nothing is written when a graph answers otherwise than torch."""
    made = work.recipe.export(work.load(network), work.data.test, tolerance=TOLERANCE)
    row = read_json(evaluated / "metrics.json")
    about = Bundle(
        name=work.name,
        version=int(bundle.name),
        task=made.task,
        description=_summary(work),
        inputs=made.inputs,
        outputs=made.outputs,
        metrics={**row["metrics"], "data": row["data"]["detail"]},
        lineage=_lineage(work, network),
        example=made.example,
        form=made.form,
    )
    graph = made.graph.SerializeToString(deterministic=True)
    write_bundle(bundle, graph, about, {**made.extras, "parity.json": made.parity})


def _summary(work: Work) -> str:
    doc = __import__(work.entry.config.__module__, fromlist=["__doc__"]).__doc__ or work.name
    return str(doc).strip().splitlines()[0]


def _lineage(work: Work, network: Path) -> dict[str, Any]:
    return {
        "data": work.data.origin.digest,
        "network": digest_files(sorted(path for path in network.iterdir() if path.is_file())),
        "params": digest_json(work.params.model_dump()),
        "code": digest_code(),
    }


if __name__ == "__main__":
    run(main, ModelError, ServingError)
