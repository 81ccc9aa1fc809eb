"""Write an Open Inference Protocol V2 response: arrays by output name to the bytes of an HTTP body."""

from typing import Any, NamedTuple

import orjson

from serving import tensors
from serving.bundle import Bundle
from serving.infer_request import Arrays, InferRequest


class Answer(NamedTuple):
    """A response body; `json_size` is the length of its JSON part when binary tensors follow, else None."""

    body: bytes
    json_size: int | None = None
    media_type: str = "application/json"
    status: int = 200


def write_response(bundle: Bundle, request: InferRequest, results: Arrays) -> Answer:
    """The response to `request`; `results` holds at least the outputs it asked for."""
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name, binary in request.outputs.items():
        array = results[name]
        entry: dict[str, Any] = {
            "name": name,
            "shape": array.shape,
            "datatype": bundle.outputs_by_name[name].datatype,
        }
        if binary:
            tail.append(tensors.to_raw(array))
            entry["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            entry["data"] = tensors.to_flat(array)
        outputs.append(entry)
    document: dict[str, Any] = {"model_name": bundle.name, "model_version": str(bundle.version)}
    if request.id is not None:
        document["id"] = request.id
    document["outputs"] = outputs
    body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    if not any(request.outputs.values()):
        return Answer(body)
    return Answer(b"".join([body, *tail]), len(body), "application/octet-stream")
