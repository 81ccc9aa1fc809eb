"""What the OpenAPI document says of a predict route beside records as JSON: tables, streams, shares."""

import re
from typing import Any

from serving.bundle import Bundle, ImageForm, Input, SeedForm
from serving.explain import MAX_SAMPLES, explained
from serving.stream import NDJSON
from serving.tables import CSV, PARQUET, write_csv

Json = dict[str, Any]


def is_explained(bundle: Bundle) -> bool:
    """Whether `?explain=1` is answered for a model."""
    plain = bundle.form is None and all(each.kind != "tensor" for each in bundle.inputs)
    return plain and bundle.proof is not None and bool(explained(bundle))


def bodies_and_answers(bundle: Bundle) -> tuple[Json, Json]:
    """What a model takes, and gives, beside JSON, by media type."""
    binary, text = {"type": "string", "format": "binary"}, {"type": "string"}
    if isinstance(bundle.form, ImageForm):
        files = {"type": "array", "items": binary, "minItems": 1}
        form = {
            "type": "object",
            "properties": {bundle.form.field: files},
            "additionalProperties": False,
            "required": [bundle.form.field],
        }
        return {"multipart/form-data": {"schema": form}}, {}
    if isinstance(bundle.form, SeedForm):
        return {}, {"image/png": {"schema": binary}}
    if bundle.form is not None or any(each.kind == "tensor" for each in bundle.inputs):
        return {}, {}
    table: Json = {"schema": text | {"pattern": _pattern(bundle)}}
    if bundle.example:
        table["example"] = write_csv([bundle.example]).decode()
    bodies = {CSV: table, PARQUET: {"schema": binary}, NDJSON: {"schema": text}}
    return bodies, {CSV: {"schema": text}, NDJSON: {"schema": text}}


def _pattern(bundle: Bundle) -> str:
    """Tables with all columns in order, which are surely taken; others may be."""
    header = ",".join(re.escape(each.name) for each in bundle.inputs)
    row = ",".join(_cell(each, len(bundle.inputs) == 1) for each in bundle.inputs)
    return rf"^{header}(\r\n{row})+$"


def _cell(field: Input, alone: bool) -> str:
    if field.kind == "category":
        return r"[^\",\r\n]*"
    cell = "(true|false)" if field.datatype == "BOOL" else "[0-9]{1,2}"
    return f"({cell})?" if field.may_be_missing and not alone else cell


def query_parameters(bundle: Bundle) -> list[Json]:
    """What the URL of a prediction may ask for."""
    if not is_explained(bundle):
        return []
    whole = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
    return [
        _query("explain", {"type": "string", "enum": ["0", "1"]}, "1: what each input adds to the answer"),
        _query("samples", {"type": "integer", "minimum": 1, "maximum": MAX_SAMPLES}, "Orders of the inputs"),
        _query("seed", whole, "The same seed draws the same orders"),
    ]


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def explanations_schema(bundle: Bundle) -> Json:
    """The schema of what each input adds, an object a record."""
    shares = {"type": "object", "properties": {"base": {}, "contributions": {"type": "object"}}}
    outputs = {each.name: shares for each in explained(bundle)}
    return {"type": "array", "items": {"type": "object", "properties": outputs}}
