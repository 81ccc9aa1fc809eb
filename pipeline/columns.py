"""Columns of a site: which fields of its spec a model may read, and how they travel between stages."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.columns import Column
from pipeline.errors import InputError, ParamsError
from pipeline.files import read_json, write_json
from scrapers.spec import Site
from scrapers.spec_fields import Field

NUMBERS = {"money", "number", "area"}
CATEGORIES = {"category", "flag"}


def site_columns(site: Site, *, target: str, drop: Collection[str]) -> tuple[Column, ...]:
    """The fields of `site` that are numbers or categories, without key, target and those in `drop`.

    Raises ParamsError if the target or a dropped field is no field of the site.
    """
    fields = site_fields(site)
    for name in (target, *drop):
        if name not in fields:
            raise ParamsError(f"prepare: {name!r} is no field of the site {site.name!r}: mend params.yaml")
    taken = {site.key, target, *drop}
    return tuple(
        _column(name, field)
        for name, field in fields.items()
        if name not in taken and field.type in NUMBERS | CATEGORIES
    )


def site_fields(site: Site) -> dict[str, Field]:
    """The fields of all kinds of page, by name."""
    return {name: field for page in site.pages.values() for name, field in page.fields.items()}


def target_column(site: Site, target: str) -> Column:
    """The target as a column, with its unit. Raises ParamsError for a field that is no number."""
    field = site_fields(site)[target]
    if field.type not in NUMBERS:
        raise ParamsError(
            f"prepare.target: {target!r} is of type {field.type} in the site {site.name!r}; "
            f"this chain predicts numbers: name a field of type {', '.join(sorted(NUMBERS))}"
        )
    return _column(target, field)


def _column(name: str, field: Field) -> Column:
    if field.type in NUMBERS:
        return Column(name, "number", unit=field.unit)
    return Column(name, "category", levels=field.levels or field.values, ordered=bool(field.levels))


@dataclass(frozen=True)
class Schema:
    """What the prepared tables hold: key, target, raw `columns`, and `formulas` for what is derived."""

    key: str
    target: Column
    columns: tuple[Column, ...]
    formulas: dict[str, str]

    @property
    def candidates(self) -> tuple[Column, ...]:
        """Every column that a model may read: the raw ones and those derived from them."""
        return (*self.columns, *(Column(name, "number") for name in self.formulas))


def write_schema(path: Path, schema: Schema) -> None:
    """Write a schema as JSON."""
    columns = [column.to_dict() for column in schema.columns]
    target = schema.target.to_dict()
    write_json(path, {"key": schema.key, "target": target, "columns": columns, "formulas": schema.formulas})


def read_schema(path: Path) -> Schema:
    """The schema that `write_schema` wrote."""
    data: dict[str, Any] = read_json(path)
    try:
        columns = tuple(Column.from_dict(column) for column in data["columns"])
        return Schema(data["key"], Column.from_dict(data["target"]), columns, dict(data["formulas"]))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is no schema ({error!r}): run the stage that writes it again") from error
