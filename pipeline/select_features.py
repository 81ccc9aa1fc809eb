"""Stage select_features: train rows -> chosen columns, scores by method, and the fitted encoder."""

from pathlib import Path

import numpy as np

from features.columns import raw_inputs
from features.derive import with_derived
from features.encode import build_encoder, often_missing
from features.errors import FeatureError
from features.selection.bake_off import bake_off
from features.selection.choose import choose
from features.table import check_part
from pipeline.columns import read_schema
from pipeline.compute import engine
from pipeline.files import whole_folder
from pipeline.params import PARAMS_FILE, read_params
from pipeline.selection_evidence import write_bake_off, write_evidence, write_fields
from pipeline.stage import run
from pipeline.tables import Selection, narrowed, read_part, write_selection


def main(prepared: Path, selection: Path, report: Path, params: Path = PARAMS_FILE) -> None:
    """Choose columns on PREPARED/train.parquet; write them in SELECTION and the evidence in REPORT."""
    settings, schema = read_params(params), read_schema(prepared / "schema.json")
    wanted, (first, second, third) = settings.select_features, settings.prepare.fractions
    train, y = read_part(prepared / "train.parquet", schema.target.name)
    check_part(train[schema.key], "train", fractions=(first, second, third), salt=settings.prepare.salt)
    table = with_derived(raw_inputs(train, schema.columns), schema.formulas)
    goal, asked, baked = y.map(np.log1p), wanted.bake_off, None
    methods, decided_by, keep = wanted.methods, "consensus", wanted.keep
    with engine(settings.compute):
        if asked:
            baked = bake_off(table, schema.candidates, goal, **asked.model_dump(), seed=wanted.seed)
        if keep == "auto":
            assert asked and baked  # noqa: PT018  # params refuse auto without a bake-off
            methods, (decided_by, keep) = asked.methods, baked.winner()
        choice = choose(
            table,
            schema.candidates,
            goal,
            methods=methods,
            n_features_to_select=keep,
            decided_by=decided_by,
            resamples=wanted.resamples,
            fraction=wanted.resample_fraction,
            seed=wanted.seed,
        )
    encoder = build_encoder(choice.columns, flag_missing=often_missing(table, choice.columns))
    encoder.fit(table[[column.name for column in choice.columns]])
    needed = narrowed(schema, choice.columns)
    with whole_folder(report) as fresh:
        write_evidence(fresh, choice, decided_by)
        write_fields(fresh, schema, needed)
        if baked:
            write_bake_off(fresh, baked)
    with whole_folder(selection) as fresh:
        write_selection(fresh, Selection(choice.columns, needed, encoder))


if __name__ == "__main__":
    run(main, FeatureError)
