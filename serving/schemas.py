"""The JSON of the service's requests and answers, as the OpenAPI document describes them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from serving.bundle import Datatype

Parameters = dict[str, str | int | float | bool]
Nested = Annotated[list[Any], Field(description="row-major, flat or nested like the shape")]
Sizes = Annotated[list[Annotated[int, Field(ge=1)]], Field(description="the first is the number of rows")]


class ErrorBody(BaseModel):
    """What every answer with an error status holds."""

    error: str


class Live(BaseModel):
    """The process answers."""

    live: bool


class Ready(BaseModel):
    """All loaded models can answer."""

    ready: bool


class ModelReady(BaseModel):
    """One model can answer."""

    name: str
    ready: bool


class ServerMetadata(BaseModel):
    """Who answers and which protocol extensions it knows."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """One input or output; -1 is any size."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model as the Open Inference Protocol describes it."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class RequestInput(BaseModel):
    """One input tensor, with its data here or, given `binary_data_size`, after the JSON part of the body."""

    name: str
    shape: Sizes
    datatype: Datatype
    parameters: Parameters = {}
    data: Nested = []


class RequestOutput(BaseModel):
    """An output asked for; the parameter `binary_data` asks for it in binary."""

    name: str
    parameters: Parameters = {}


class InferBody(BaseModel):
    """An inference request; without `outputs` all are answered."""

    id: str | None = None
    parameters: Parameters = {}
    inputs: Annotated[list[RequestInput], Field(min_length=1)]
    outputs: list[RequestOutput] = []


class ResponseOutput(BaseModel):
    """One output tensor; a number that is not finite is null."""

    name: str
    shape: list[int]
    datatype: Datatype
    parameters: Parameters = {}
    data: Nested = []


class InferAnswer(BaseModel):
    """An inference response."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[ResponseOutput]


class IndexEntry(BaseModel):
    """A version found in the service's folder; `reason` says why it, or its changed files, did not load."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class ModelSummary(BaseModel):
    """A model in the list of models, at its default version."""

    name: str
    version: int
    versions: list[int]
    task: str
    description: str
    metrics: dict[str, JsonValue]


class ModelFailure(BaseModel):
    """A version found on disk that could not be loaded."""

    name: str
    version: int
    reason: str


class ModelList(BaseModel):
    """What is served, what is not and why; `site` is where pages for predict-url are."""

    models: list[ModelSummary]
    failures: list[ModelFailure]
    site: str | None = None


class DriftEntry(BaseModel):
    """One input: its population stability index, and shares of the last rows (0 to 1)."""

    name: str
    psi: float
    missing: float
    missing_in_training: float
    unseen: float


class DriftReport(BaseModel):
    """A version's last rows against the training rows, the most shifted input first."""

    model: str
    version: int
    rows: int
    inputs: list[DriftEntry]


PAGE_URL = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "maxLength": 2048, "description": "A page of the site with records"},
        "explain": {"type": "boolean", "description": "Also what each input adds"},
    },
    "required": ["url"],
    "additionalProperties": False,
}
"""The schema of a request for a prediction from a page."""
