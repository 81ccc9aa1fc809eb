"""Stage prepare: records -> one checked table, split by a hash of the key."""

from pathlib import Path

from features.derive import check_formulas
from features.errors import FeatureError
from features.table import SPLITS, split_by_hash, validate
from pipeline.columns import Schema, site_columns, target_column, write_schema
from pipeline.files import read_parquet, whole_folder, write_json, write_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from scrapers.errors import ScrapeError
from scrapers.spec import load_site


def main(site: Path, records: Path, prepared: Path, params: Path = PARAMS_FILE) -> None:
    """Check RECORDS and write train, validation and test tables, schema.json and counts.json in PREPARED."""
    spec, wanted = load_site(site), read_params(params).prepare
    columns = site_columns(spec, target=wanted.target, drop=wanted.drop)
    goal = target_column(spec, wanted.target)
    table = validate(
        read_parquet(records),
        columns,
        key=spec.key,
        target=goal.name,
        target_kind=goal.kind,
        positive_target=True,
        on_constant=wanted.on_constant,
    )
    check_formulas(wanted.derive, table.columns, taken=(spec.key, goal.name))
    train, validation, test = wanted.fractions
    part = split_by_hash(table.frame[spec.key], fractions=(train, validation, test), salt=wanted.salt)
    rows = {name: table.frame[part == name] for name in SPLITS}
    with whole_folder(prepared) as fresh:
        for name, frame in rows.items():
            write_parquet(fresh / f"{name}.parquet", frame)
        write_schema(fresh / "schema.json", Schema(spec.key, goal, table.columns, wanted.derive))
        sizes = {name: len(frame) for name, frame in rows.items()}
        counts = {"rows": sizes, "columns": len(table.columns), "constant": list(table.constant)}
        write_json(fresh / "counts.json", counts)


if __name__ == "__main__":
    run(main, FeatureError, ScrapeError)
