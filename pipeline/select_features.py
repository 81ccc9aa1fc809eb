"""Stage select_features: train rows -> chosen columns, scores by method, and the fitted encoder."""

from pathlib import Path

import numpy as np
import pandas as pd

from features.columns import raw_inputs
from features.derive import with_derived
from features.encode import build_encoder, often_missing
from features.errors import FeatureError
from features.selection.choose import Choice, choose
from features.selection.plots import plot_frequency, plot_rankings, plot_stability
from pipeline.columns import read_schema
from pipeline.figures import save_figure
from pipeline.files import whole_folder, write_csv, write_json
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from pipeline.tables import Selection, narrowed, read_part, write_selection


def main(prepared: Path, selection: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Choose columns on PREPARED/train.parquet; write them in SELECTION and the evidence in REPORT."""
    wanted, schema = read_params(params).select_features, read_schema(prepared / "schema.json")
    train, y = read_part(prepared / "train.parquet", schema.target.name)
    table = with_derived(raw_inputs(train, schema.columns), schema.formulas)
    choice = choose(
        table,
        schema.candidates,
        y.map(np.log1p),
        methods=wanted.methods,
        n_features_to_select=wanted.keep,
        resamples=wanted.resamples,
        fraction=wanted.resample_fraction,
        seed=wanted.seed,
    )
    encoder = build_encoder(choice.columns, flag_missing=often_missing(table, choice.columns))
    encoder.fit(table[[column.name for column in choice.columns]])
    with whole_folder(report) as fresh:
        write_evidence(fresh, choice)
    with whole_folder(selection) as fresh:
        write_selection(fresh, Selection(choice.columns, narrowed(schema, choice.columns), encoder))


def write_evidence(report: Path, choice: Choice) -> None:
    """Scores (of all rows and of each resample), frequencies, stability and seconds, and their plots."""
    write_csv(report / "scores.csv", choice.scores.rename_axis("column").reset_index())
    frequency = choice.stability.frequency.rename_axis("column").reset_index()
    write_csv(report / "frequency.csv", frequency)
    write_csv(report / "resamples.csv", choice.stability.scores.reset_index())
    index = {str(name): float(value) for name, value in choice.stability.index().items()}
    write_csv(report / "stability.csv", pd.DataFrame({"method": index.keys(), "stability": index.values()}))
    write_json(report / "metrics.json", {"kept": len(choice.columns), "stability": index})
    write_json(report / "seconds.json", {str(name): float(value) for name, value in choice.seconds.items()})
    save_figure(report / "rankings.svg", plot_rankings(choice.scores))
    save_figure(report / "frequency.svg", plot_frequency(choice.stability, choice.scores.index))
    save_figure(report / "stability.svg", plot_stability(choice.stability))


if __name__ == "__main__":
    run(main, FeatureError)
