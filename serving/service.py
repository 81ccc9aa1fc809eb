"""What the service answers, without the transport: bytes in, bytes out, errors as ServingError."""

import asyncio
import base64
from dataclasses import asdict
from functools import partial
from typing import Any

import orjson

from serving import tables, tensors
from serving.body import parse_json
from serving.bundle import Bundle, ImageForm, SeedForm
from serving.card import Card
from serving.drift import Drift
from serving.errors import ForbiddenError, InvalidInputError, NotFoundError, UnsupportedError
from serving.explain import MAX_RECORDS, explain
from serving.gather import Gatherer
from serving.infer_request import read_json_size
from serving.infer_response import Answer, write_response
from serving.keys import Keys
from serving.model import Model
from serving.multipart import is_multipart, read_parts
from serving.page_url import Pages
from serving.query import Wanted, read_query
from serving.records import read_records, write_predictions
from serving.repository import Repository
from serving.schemas import (
    DriftEntry,
    DriftReport,
    IndexEntry,
    ModelFailure,
    ModelList,
    ModelMetadata,
    ModelSummary,
    ServerMetadata,
    TensorMetadata,
)
from serving.tracing import Tracing
from serving.traffic import Traffic
from serving.version import own_version

INLINE_BYTES = 128 * 1024
"""A longer text is parsed in a thread."""
EXTENSIONS = ["binary_tensor_data", "model_repository"]
PLATFORM = "onnx_onnxv1"


class Service:
    """The answers to every request about the models of one repository."""

    def __init__(
        self,
        repository: Repository,
        gatherer: Gatherer,
        *,
        max_rows: int,
        control: bool = False,
        keys: Keys | None = None,
        traffic: Traffic | None = None,
        tracing: Tracing | None = None,
        pages: Pages | None = None,
    ) -> None:
        self.repository = repository
        self.gatherer = gatherer
        self.max_rows = max_rows
        self.control = control
        self.keys = keys
        self.traffic = traffic
        self.tracing = tracing
        self.pages = pages
        self.drift = Drift(gatherer.metrics)
        self.draining = False
        """Set when the service is told to end: it says that it is not ready, and still answers."""

    def choose(self, name: str, version: str | None, identity: str) -> Model:
        """The model that answers a request: the version that it names, else the default or its canary.

        Raises NotFoundError, BundleError.
        """
        if self.traffic is not None and version is None:
            canary = self.traffic.canary(name, identity)
            found = self.repository.models.get(name, {}).get(canary or 0)
            if found is not None:
                return found
        return self.repository.get(name, version)

    async def infer(self, model: Model, body: bytes, json_size: str | None) -> Answer:
        """Answer an Open Inference Protocol request; `json_size` is its Inference-Header-Content-Length."""
        size = read_json_size(json_size)
        read = partial(model.read, body, size, max_rows=self.max_rows)
        long = (len(body) if size is None else size) > INLINE_BYTES
        request = await self.gatherer.apart(read) if long else read()
        results = await self.gatherer.run(model, request.arrays, tuple(request.outputs), request.timeout_s)
        return write_response(model.bundle, request, results)

    def is_quick(self, model: Model, size: int) -> bool:
        """Whether a body of `size` bytes is answered before its client can go away."""
        return size <= INLINE_BYTES and model.reader is None and model.is_quick(1)

    async def predict(
        self, model: Model, body: bytes, *, content_type: str = "", accept: str = "", query: bytes = b""
    ) -> Answer:
        """Answer one record or a list of them with one prediction each, in order.

        A multipart/form-data body gives a model of pictures a record a part, a CSV or Parquet body a record a
        row. A client that accepts image/png gets the picture that a seed makes, and nothing else, one that
        accepts text/csv a table. `query` may ask for what each input adds (`explain=1`).
        """
        wanted = read_query(query)
        if wanted.explain:
            return Answer(
                await self.gatherer.apart(partial(self._explained, model, body, content_type, wanted))
            )
        if model.reader is not None or len(body) > INLINE_BYTES:
            work = partial(self._predict_apart, model, body, content_type)
            predictions = await self.gatherer.apart(work)
        else:
            records = self._records(model.bundle, body, content_type)
            arrays = read_records(records, model.bundle, max_rows=self.max_rows)
            results = await self.gatherer.run(model, arrays, model.outputs)
            predictions = write_predictions(model.bundle, results)
        if "image/png" in accept and isinstance(model.bundle.form, SeedForm):
            return _picture(predictions, model.bundle.form)
        if tables.CSV in accept:
            return Answer(tables.write_csv(predictions), media_type=f"{tables.CSV}; charset=utf-8")
        document = {"model": model.bundle.name, "version": model.bundle.version, "predictions": predictions}
        return Answer(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))

    async def predict_url(self, name: str, version: str | None, document: dict[str, Any]) -> dict[str, Any]:
        """What a page says, and the prediction for it: `url`, and `explain` where shares are wanted."""
        if self.pages is None:
            raise ForbiddenError("pages are not fetched: start the service with --site and the site's spec")
        explain_too = document.get("explain", False)
        if not isinstance(explain_too, bool) or not document.keys() <= {"url", "explain"}:
            raise InvalidInputError('expected {"url": text} and perhaps {"explain": true or false}')
        model = self.choose(name, version, "")
        records = await self.pages.read(document.get("url"), model.bundle)
        query = b"explain=1" if explain_too else b""
        answer = await self.predict(model, orjson.dumps(records), query=query)
        return {"url": document["url"], "records": records, **orjson.loads(answer.body)}

    def _explained(self, model: Model, body: bytes, content_type: str, wanted: Wanted) -> bytes:
        """Predictions and what each input adds to them, for a thread."""
        records = self._records(model.bundle, body, content_type)
        if model.reader is not None:
            raise UnsupportedError(
                f"{model.bundle.name} cannot be explained: its inputs are not one value each"
            )
        arrays = read_records(records, model.bundle, max_rows=MAX_RECORDS)
        explanations = explain(model, arrays, samples=wanted.samples, seed=wanted.seed)
        document = {
            "model": model.bundle.name,
            "version": model.bundle.version,
            "predictions": write_predictions(model.bundle, model.infer(arrays)),
            "explanations": explanations,
        }
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)

    def _predict_apart(self, model: Model, body: bytes, content_type: str) -> list[dict[str, Any]]:
        """A prediction from beginning to end, for a thread."""
        return model.predict(self._records(model.bundle, body, content_type), max_rows=self.max_rows)

    def _records(self, bundle: Bundle, body: bytes, content_type: str) -> object:
        """The records of a body; what is no form of parts and no table is taken for JSON."""
        kind = tables.media_type(content_type)
        if kind in {tables.CSV, tables.PARQUET} and bundle.form is not None:
            raise UnsupportedError(f"{bundle.name} takes no tables: send JSON in place of {kind}")
        if kind == tables.CSV:
            return tables.read_csv(body, bundle, max_rows=self.max_rows)
        if kind == tables.PARQUET:
            return tables.read_parquet(body, max_rows=self.max_rows)
        if not is_multipart(content_type):
            return parse_json(body)
        if not isinstance(bundle.form, ImageForm):
            raise UnsupportedError(
                f"{bundle.name} takes no pictures: send JSON in place of multipart/form-data"
            )
        return read_parts(body, content_type)

    def metrics_page(self) -> bytes:
        """What the service has counted, in Prometheus' text format."""
        gatherer = self.gatherer
        return gatherer.metrics.page(gatherer.waiting(), len(self.repository.failures))

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

    def index(self, document: dict[str, Any]) -> list[IndexEntry]:
        """Every version found; with `ready` true in the request only those that are served."""
        ready = document.get("ready", False)
        if not isinstance(ready, bool):
            raise InvalidInputError(f"ready must be true or false, got {tensors.shown(ready)}")
        entries = [IndexEntry.model_validate(each) for each in self.repository.index()]
        return [each for each in entries if each.state == "READY"] if ready else entries

    async def load(self, name: str, document: dict[str, Any]) -> None:
        """Load a model from the service's own folder; files are not taken from a request."""
        self._allow_control()
        parameters = document.get("parameters", {})
        if not isinstance(parameters, dict):
            raise InvalidInputError(f"parameters must be an object, got {tensors.shown(parameters)}")
        if parameters:
            raise UnsupportedError("load takes no parameters: put the files into the service's folder")
        await asyncio.to_thread(self.repository.load, name)

    async def unload(self, name: str) -> None:
        """Serve a model no longer, until it is loaded."""
        self._allow_control()
        await asyncio.to_thread(self.repository.unload, name)

    def _allow_control(self) -> None:
        if not self.control:
            raise ForbiddenError("loading and unloading are off: start the service with --model-control")

    def drifts(self, name: str, version: str | None = None) -> DriftReport:
        """How far what was asked lately is from the training rows, input by input."""
        bundle = self.repository.get(name, version).bundle
        rows, inputs = self.drift.report(bundle)
        entries = [DriftEntry(**asdict(each)) for each in inputs]
        return DriftReport(model=bundle.name, version=bundle.version, rows=rows, inputs=entries)

    def card(self, name: str, version: str | None = None) -> Card:
        """A model's card. Raises NotFoundError for a model without one."""
        bundle = self.repository.get(name, version).bundle
        if bundle.card is None:
            raise NotFoundError(
                f"model {bundle.name!r} version {bundle.version} has no model card: export it again with "
                f"`card` in its bundle, or read its metrics at /models/{bundle.name}"
            )
        return bundle.card

    def models(self) -> ModelList:
        """Every model at its default version, and what did not load."""
        failures = [
            ModelFailure(name=each.name, version=each.version, reason=each.reason)
            for each in self.repository.failures
        ]
        home = None if self.pages is None else self.pages.home
        summaries = list(map(self._summary, self.repository.latest()))
        return ModelList(models=summaries, failures=failures, site=home)

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


def _picture(predictions: list[dict[str, Any]], form: SeedForm) -> Answer:
    if len(predictions) != 1:
        raise InvalidInputError(
            f"expected one seed for an answer in image/png, got {len(predictions)}; accept application/json"
        )
    return Answer(base64.b64decode(predictions[0][form.output]), media_type="image/png")
