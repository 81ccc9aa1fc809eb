"""Stage prepare: records -> one checked table, split by a hash of the key."""

from pathlib import Path

from features.derive import check_formulas
from features.table import SPLITS, split_by_hash, validate
from pipeline.columns import Schema, site_columns, target_column, write_schema
from pipeline.files import read_parquet, write_json, write_parquet
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run
from scrapers.spec import load_site


def main(site: Path, records: Path, prepared: Path, params: Path = PARAMS_FILE) -> None:
    """Check RECORDS and write train, validation and test tables, schema.json and counts.json in PREPARED."""
    spec, wanted = load_site(site), read_params(params).prepare
    columns = site_columns(spec, target=wanted.target, drop=wanted.drop)
    table = validate(
        read_parquet(records),
        columns,
        key=spec.key,
        target=wanted.target,
        positive_target=wanted.positive_target,
        on_constant=wanted.on_constant,
    )
    check_formulas(wanted.derive, table.columns)
    train, validation, test = wanted.fractions
    part = split_by_hash(table.frame[spec.key], fractions=(train, validation, test), salt=wanted.salt)
    for name in SPLITS:
        write_parquet(prepared / f"{name}.parquet", table.frame[part == name])
    goal = target_column(spec, wanted.target)
    write_schema(prepared / "schema.json", Schema(spec.key, goal, table.columns, wanted.derive))
    counts = {"rows": {name: int((part == name).sum()) for name in SPLITS}, "constant": list(table.constant)}
    write_json(prepared / "counts.json", {**counts, "columns": len(table.columns)})


if __name__ == "__main__":
    run(main)
