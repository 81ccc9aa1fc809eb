"""The OpenAPI document: FastAPI's own part, plus every model's predict route with its fields and example."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from serving import schemas, tensors
from serving.bundle import Bundle, Datatype, Input, Output, SeedForm, TranslationForm
from serving.forms.fields import MAX_RECORDS
from serving.infer_request import JSON_SIZE_HEADER
from serving.openapi_predict import bodies_and_answers, explanations_schema, is_explained, query_parameters
from serving.repository import Repository

Json = dict[str, Any]

ABOUT = (
    "Models fitted by Millrace. `/models/{name}/predict` takes records as JSON objects; `/v2` speaks the "
    "Open Inference Protocol (KServe V2) with the binary tensor data extension. "
    'Every error is answered as `{"error": text}`.'
)
FORMS: dict[str, Json] = {
    "image": {
        "type": "string", "contentEncoding": "base64",
        "description": "A PNG or JPEG of any size, as base64; it is made the size and channels of the model.",
    },
    "text": {"type": "string", "minLength": 1},
    "translation": {"type": "string", "minLength": 1},
    "seed": {
        "type": "integer", "minimum": 0, "maximum": 2**64 - 1,
        "description": "The same seed gives the same picture.",
    },
}  # fmt: skip
"""The schema of a form's field, by the form's kind."""
REFERENCE = "#/components/schemas/{model}"
FAULTS = {
    400: "The request is malformed or does not fit the model's inputs; the text names what is wrong",
    404: "No such model or version",
    413: "The body is too large or holds too many rows",
    415: "The body's encoding, or something it asks for, is not supported",
    503: "Too much is asked (Retry-After says when to ask again), or the model could not be loaded",
}


def describe(app: FastAPI, repository: Repository, *, max_rows: int, keyed: bool = False) -> Json:
    """The document for what `app` serves now, with a predict route for each loaded version.

    `keyed`: nearly every route asks for an API key.
    """
    document = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    paths: Json = document["paths"]
    parts: Json = document.setdefault("components", {}).setdefault("schemas", {})
    _drop_unused_faults(paths, parts)
    parts.update(_protocol_schemas())
    example = next(iter(filter(None, (infer_example(model.bundle) for model in repository.latest()))), None)
    for path in ("/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"):
        paths[path] = {"post": _infer_operation(path, example)}
    for name, versions in sorted(repository.models.items()):
        for number, model in sorted(versions.items(), reverse=True):
            parts[f"{name}.{number}.record"] = record_schema(model.bundle)
            parts[f"{name}.{number}.prediction"] = prediction_schema(model.bundle)
            by_version = f"/models/{name}/versions/{number}/predict"
            default = repository.get(name) is model
            for path in [f"/models/{name}/predict"] * default + [by_version]:
                paths[path] = {"post": _predict_operation(model.bundle, max_rows, path)}
    if keyed:
        _ask_for_keys(document)
    return document


def _ask_for_keys(document: Json) -> None:
    """Say that a key is needed, how it is sent, and what is answered without one."""
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    document["security"] = [{"bearer": []}, {"header": []}]
    refused = {
        "description": "No API key, or none of the service's",
        "content": _content("ErrorBody", binary=False),
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/v2/health/"):
                operation["security"] = []
            else:
                operation["responses"]["401"] = refused


def _drop_unused_faults(paths: Json, parts: Json) -> None:
    """Take out the 422 that FastAPI documents for every parameter: as text none can fail to validate."""
    for path in paths.values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        parts.pop(name, None)


def _protocol_schemas() -> Json:
    """The schemas of the routes that FastAPI does not know."""
    _, made = models_json_schema(
        [
            (schemas.InferBody, "validation"),
            (schemas.InferAnswer, "serialization"),
            (schemas.ErrorBody, "serialization"),
        ],
        ref_template=REFERENCE,
    )
    return dict(made["$defs"])


def infer_example(bundle: Bundle) -> Json | None:
    """The bundle's example row as a protocol request; None without an example that gives every input."""
    if bundle.example.keys() != bundle.inputs_by_name.keys():
        return None
    tensors_of_one_row = []
    for field in bundle.inputs:
        array = np.array([bundle.example[field.name]], object)
        shape = [1, *array.shape[1:]] if field.kind == "tensor" else [1, *field.shape[1:]]
        entry = {
            "name": field.name,
            "shape": shape,
            "datatype": field.datatype,
            "data": array.ravel().tolist(),
        }
        tensors_of_one_row.append(entry)
    return {"inputs": tensors_of_one_row}


def _infer_operation(path: str, example: Json | None) -> Json:
    """The inference route of the protocol, with a request that the first model answers."""
    names = ["name", "version"] if "{version}" in path else ["name"]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ]
    size = {"type": "integer", "minimum": 0}
    content = _content("InferBody", binary=True)
    if example:
        content["application/json"]["example"] = example
    return {
        "tags": ["Open Inference Protocol V2"],
        "summary": "Run a model on tensors",
        "description": f"Binary tensors follow the JSON object, whose length {JSON_SIZE_HEADER} then gives.",
        "operationId": "_".join(["infer", *names]),
        "parameters": [*parameters, {"name": JSON_SIZE_HEADER, "in": "header", "schema": size}],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The outputs", "content": _content("InferAnswer", binary=True)},
            **_faults(),
        },
    }


def _predict_operation(bundle: Bundle, max_rows: int, path: str) -> Json:
    """The predict route of one version of a model."""
    key = f"{bundle.name}.{bundle.version}"
    record = {"$ref": REFERENCE.format(model=f"{key}.record")}
    most = min(max_rows, MAX_RECORDS.get(bundle.form.kind, max_rows)) if bundle.form else max_rows
    several = {"type": "array", "items": record, "minItems": 1, "maxItems": most}
    body: Json = {"schema": {"oneOf": [record, several]}}
    if bundle.example:
        body["example"] = bundle.example
    bodies, answers = bodies_and_answers(bundle)
    prediction = {"$ref": REFERENCE.format(model=f"{key}.prediction")}
    answer = {
        "model": {"const": bundle.name},
        "version": {"const": bundle.version},
        "predictions": {"type": "array", "items": prediction},
    }
    required = list(answer)
    if is_explained(bundle):
        answer["explanations"] = explanations_schema(bundle)
    return {
        "tags": [f"Predict: {bundle.name}"],
        "summary": f"Predict with {bundle.name}, version {bundle.version}",
        "description": bundle.description or f"One record or a list of them; the task is {bundle.task}.",
        "operationId": path.strip("/").replace("/", "_"),
        "parameters": query_parameters(bundle),
        "requestBody": {"required": True, "content": {"application/json": body, **bodies}},
        "responses": {
            "200": {
                "description": "One prediction a record, in order",
                "content": {"application/json": {"schema": _object(answer, required)}, **answers},
            },
            **_faults(),
        },
    }


def _content(schema: str, *, binary: bool) -> Json:
    """JSON of a schema, and bytes beside it."""
    content: Json = {"application/json": {"schema": {"$ref": REFERENCE.format(model=schema)}}}
    if binary:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    return content


def _faults() -> Json:
    """The error answers of the POST routes."""
    return {
        str(status): {"description": text, "content": _content("ErrorBody", binary=False)}
        for status, text in FAULTS.items()
    }


def record_schema(bundle: Bundle) -> Json:
    """The JSON schema of one record."""
    if bundle.form is not None:
        return _object({bundle.form.field: FORMS[bundle.form.kind]}, [bundle.form.field])
    required = [field.name for field in bundle.inputs if not field.may_be_missing]
    return _object({field.name: _field_schema(field) for field in bundle.inputs}, required)


def prediction_schema(bundle: Bundle) -> Json:
    """The JSON schema of one prediction."""
    if isinstance(bundle.form, SeedForm):
        picture = {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}
        return _object({bundle.form.output: picture}, [bundle.form.output])
    if isinstance(bundle.form, TranslationForm):
        return _object({bundle.form.output: {"type": "string"}}, [bundle.form.output])
    return _object(
        {field.name: _output_schema(field) for field in bundle.outputs}, [o.name for o in bundle.outputs]
    )


def _object(properties: Json, required: Sequence[str]) -> Json:
    """The schema of an object without further keys."""
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _field_schema(field: Input) -> Json:
    """The schema of one field; ranges and categories are those of the training rows, and not enforced."""
    schema = _value_schema(field.datatype)
    if field.kind == "tensor":
        schema = _nested(schema, field.shape[1:])
    elif field.may_be_missing:
        schema["type"] = [schema["type"], "null"]
    notes = [field.description, f"Unit: {field.unit}." if field.unit else ""]
    if field.minimum is not None and field.maximum is not None:
        notes.append(f"Seen in training: {field.minimum:g} to {field.maximum:g}.")
    if field.categories is not None:
        notes.append(f"Seen in training: {', '.join(field.categories)}.")
    text = " ".join(note for note in notes if note)
    return {**schema, "description": text} if text else schema


def _output_schema(field: Output) -> Json:
    """The schema of one output's answer for one record; a number that is not finite is null."""
    value = _value_schema(field.datatype)
    if field.datatype.startswith("FP"):
        value["type"] = [value["type"], "null"]
    if field.labels is not None and len(field.shape) == 2:
        return _object(dict.fromkeys(field.labels, value), field.labels)
    schema = value if set(field.shape[1:]) <= {1} else _nested(value, field.shape[1:])
    text = " ".join(
        note for note in (field.description, f"Unit: {field.unit}." if field.unit else "") if note
    )
    return {**schema, "description": text} if text else schema


def _value_schema(datatype: Datatype) -> Json:
    """The schema of one value."""
    dtype = tensors.DTYPES[datatype]
    if dtype.kind == "O":
        return {"type": "string"}
    if dtype.kind == "b":
        return {"type": "boolean"}
    if dtype.kind == "f":
        end = _rounds_to_infinity(dtype)
        return (
            {"type": "number", "exclusiveMinimum": -end, "exclusiveMaximum": end}
            if end
            else {"type": "number"}
        )
    low, high = tensors.limits(dtype)
    return {"type": "integer", "minimum": low, "maximum": high}


def _rounds_to_infinity(dtype: np.dtype[Any]) -> float:
    """The smallest number that a float type no longer holds; 0 for FP64, which holds all that JSON can say.

    Halfway from the largest to what would come next: what is below rounds to the largest, and is answered.
    """
    if dtype == np.float64:
        return 0.0
    found = np.finfo(dtype)
    return float(found.max) + 2.0 ** (found.maxexp - found.nmant - 2)


def _nested(value: Json, shape: Sequence[int]) -> Json:
    """Arrays of `value` nested as `shape`, -1 being any length from 1."""
    for size in reversed(shape):
        limits = {"minItems": 1} if size == -1 else {"minItems": size, "maxItems": size}
        value = {"type": "array", "items": value, **limits}
    return value
