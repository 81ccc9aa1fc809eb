"""What the service answers, without the transport: bytes in, bytes out, errors as ServingError."""

from importlib.metadata import PackageNotFoundError, version

import orjson

from serving.body import parse_json
from serving.infer_request import read_json_size, read_request
from serving.infer_response import Answer, write_response
from serving.model import Model
from serving.repository import Repository
from serving.schemas import (
    ModelFailure,
    ModelList,
    ModelMetadata,
    ModelSummary,
    ServerMetadata,
    TensorMetadata,
)

EXTENSIONS = ["binary_tensor_data"]
PLATFORM = "onnx_onnxv1"


class Service:
    """The answers to every request about the models of one repository."""

    def __init__(self, repository: Repository, *, max_rows: int) -> None:
        self.repository = repository
        self.max_rows = max_rows

    def infer(self, name: str, version: str | None, body: bytes, json_size: str | None) -> Answer:
        """Answer an Open Inference Protocol request; `json_size` is its Inference-Header-Content-Length."""
        model = self.repository.get(name, version)
        request = read_request(body, read_json_size(json_size), model.bundle, max_rows=self.max_rows)
        results = model.infer(request.arrays, list(request.outputs))
        return write_response(model.bundle, request, results)

    def predict(self, name: str, version: str | None, body: bytes) -> Answer:
        """Answer one record or a list of them with one prediction each, in order."""
        model = self.repository.get(name, version)
        bundle = model.bundle
        predictions = model.predict(parse_json(body), max_rows=self.max_rows)
        document = {"model": bundle.name, "version": bundle.version, "predictions": predictions}
        return Answer(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))

    def server(self) -> ServerMetadata:
        """Name, version and protocol extensions of the service."""
        return ServerMetadata(name="millrace", version=own_version(), extensions=EXTENSIONS)

    def metadata(self, name: str, version: str | None = None) -> ModelMetadata:
        """A model's inputs and outputs."""
        bundle = self.repository.get(name, version).bundle
        inputs, outputs = (
            [
                TensorMetadata(name=each.name, datatype=each.datatype, shape=list(each.shape))
                for each in fields
            ]
            for fields in (bundle.inputs, bundle.outputs)
        )
        versions = [str(number) for number in sorted(self.repository.models[name])]
        return ModelMetadata(name=name, versions=versions, platform=PLATFORM, inputs=inputs, outputs=outputs)

    def models(self) -> ModelList:
        """Every model at its default version, and what did not load."""
        failures = [
            ModelFailure(name=each.name, version=each.version, reason=each.reason)
            for each in self.repository.failures
        ]
        return ModelList(models=list(map(self._summary, self.repository.latest())), failures=failures)

    def _summary(self, model: Model) -> ModelSummary:
        """A model's line in the list."""
        bundle = model.bundle
        return ModelSummary(
            name=bundle.name,
            version=bundle.version,
            versions=sorted(self.repository.models[bundle.name]),
            task=bundle.task,
            description=bundle.description,
            metrics=bundle.metrics,
        )


def own_version() -> str:
    """The installed version of Millrace."""
    try:
        return version("millrace")
    except PackageNotFoundError:
        return "0+unknown"
