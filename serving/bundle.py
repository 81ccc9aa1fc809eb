"""The bundle: what a service, a page or a person must know of a model beside its graph."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from serving.card import Card, Frozen
from serving.proof import Proof

Floats = Literal["FP16", "FP32", "FP64"]
Integers = Literal["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"]
Datatype = Floats | Integers | Literal["BOOL", "BYTES"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
TensorName = Annotated[str, Field(min_length=1, max_length=256)]


def _batched(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape whose first size is the batch's and whose others are known or -1."""
    if shape[:1] != (-1,) or any(size < 1 and size != -1 for size in shape):
        raise ValueError(f"a shape begins with -1, the batch, then sizes from 1 or -1, not {shape}")
    return shape


Shape = Annotated[tuple[int, ...], AfterValidator(_batched)]


class Input(Frozen):
    """One input of the graph, and what a person must know to fill it in.

    `shape` counts the batch as -1, e.g. (-1, 1). `number` and `category` inputs hold one value a row;
    a category is text ("" = missing), a float number may be missing (NaN), any other must be given.
    """

    name: TensorName
    datatype: Datatype
    shape: Shape = (-1, 1)
    kind: Literal["number", "category", "tensor"]
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    required: bool = False
    description: str = ""

    @cached_property
    def may_be_missing(self) -> bool:
        """Whether a record may leave this input out."""
        return (
            not self.required and self.kind != "tensor" and self.datatype in ("FP16", "FP32", "FP64", "BYTES")
        )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind != "tensor" and self.shape not in ((-1,), (-1, 1)):
            raise ValueError(f"a {self.kind} holds one value a row: shape (-1, 1) or (-1,), not {self.shape}")
        if (self.kind == "category") != (self.datatype == "BYTES") and self.kind != "tensor":
            raise ValueError(f"a category is BYTES and a number is not: {self.kind} with {self.datatype}")
        if self.categories is not None and self.kind != "category":
            raise ValueError(f"only a category lists categories, not a {self.kind}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self


class Ends(Frozen):
    """The interval round an answer: the outputs with its ends, and the share of true values that it holds."""

    low: TensorName
    high: TensorName
    coverage: Annotated[float, Field(gt=0, lt=1)]


class Output(Frozen):
    """One output of the graph; `labels` name the entries of its last axis (a classifier's classes).

    `interval` names two further outputs between which the true value lies.
    """

    name: TensorName
    datatype: Datatype
    shape: Shape = (-1, 1)
    unit: str | None = None
    labels: tuple[str, ...] | None = None
    interval: Ends | None = None
    description: str = ""


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
FieldName = Annotated[str, Field(min_length=1, max_length=64)]


class ImageForm(Frozen):
    """A record gives a picture under `field`; it is made `channels` (1 grey, 3 RGB) x height x width, uint8.

    The graph's `input` is UINT8 (-1, channels, height, width); scaling to floats lies in the graph.
    """

    kind: Literal["image"] = "image"
    field: FieldName = "image"
    input: TensorName
    channels: Literal[1, 3]
    height: Annotated[int, Field(ge=1, le=4096)]
    width: Annotated[int, Field(ge=1, le=4096)]


class TextForm(Frozen):
    """A record gives text under `field`; the bundle's `tokenizer` (a Hugging Face tokenizers JSON) splits it.

    The graph takes `tokens` INT64 (-1, -1), filled up with `pad`, and `lengths` INT64 (-1,). Tokens over
    `max_tokens` are cut off.
    """

    kind: Literal["text"] = "text"
    field: FieldName = "text"
    tokenizer: FileName = "tokenizer.json"
    tokens: TensorName = "tokens"
    lengths: TensorName = "lengths"
    max_tokens: Annotated[int, Field(ge=1)]
    pad: int = 0


class SeedForm(Frozen):
    """A record gives a whole number under `field`; the answer is the picture that grows from it, as PNG.

    The graph's `input` FP32 (-1, size) gets standard normal numbers: row r of a request those of
    `numpy.random.default_rng(seed).standard_normal(size)`. `output` is UINT8 (-1, channels, height, width).
    """

    kind: Literal["seed"] = "seed"
    field: FieldName = "seed"
    input: TensorName
    size: Annotated[int, Field(ge=1)]
    output: TensorName


class TranslationForm(Frozen):
    """A record gives text under `field` and gets text: beam search with a cache over two graphs.

    model.onnx, the encoder: `tokens` INT64 (-1, -1), `lengths` INT64 (-1,) -> the tensors named `memory`.
    `step`, one step of the decoder: `token` INT64 (-1, 1), `lengths`, `memory`, and `cache` FP32
    (-1, layers, heads, time, width), time 0 at first -> `scores` FP32 (-1, vocabulary), log-probabilities of
    the next token, and each cache one longer under its name with `next_` before it. `cache_shape` is
    (layers, heads, width). A hypothesis is worth sum(scores) / ((5 + tokens) / 6) ** `length_penalty`
    (Wu et al. 2016, arXiv 1609.08144). Token numbers: `begin`, `end`, `pad`.
    """

    kind: Literal["translation"] = "translation"
    field: FieldName = "text"
    output: FieldName = "translation"
    tokenizer: FileName = "tokenizer.json"
    step: FileName = "step.onnx"
    memory: tuple[TensorName, ...]
    cache: tuple[TensorName, ...]
    cache_shape: tuple[int, int, int]
    begin: int
    end: int
    pad: int
    beams: Annotated[int, Field(ge=1, le=16)] = 4
    length_penalty: float = 0.6
    max_tokens: Annotated[int, Field(ge=1)]


Form = Annotated[ImageForm | TextForm | SeedForm | TranslationForm, Field(discriminator="kind")]
"""How people fill in a model's tensors: what the service does between a record and the graph."""


class NumberHistogram(Frozen):
    """Counts of the training values between ascending `edges` (one more than counts), and of missing ones."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int = 0

    @model_validator(mode="after")
    def _edges_enclose_counts(self) -> Self:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"{len(self.counts)} counts need one more edge, not {len(self.edges)}")
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        return self


class CategoryHistogram(Frozen):
    """Counts of the training values by category, and of missing ones."""

    categories: dict[str, int]
    missing: int = 0


class Bundle(Frozen):
    """Everything but the graph that a service, a page or a person needs to use one version of a model.

    `metrics` as evaluated on the test split; `histograms` by input name, of the training rows; `lineage`
    holds hashes of data, code and parameters; `example` is one row as a client would send it. `form` turns a
    picture, a text or a seed into the graph's tensors. `card` is for people: data, figures by slice, limits.
    A service proves `proof` before it serves the version.
    """

    format: Literal[1] = 1
    name: Name
    version: Annotated[int, Field(ge=1)]
    task: Annotated[str, Field(min_length=1)]
    description: str = ""
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)]
    outputs: Annotated[tuple[Output, ...], Field(min_length=1)]
    metrics: dict[str, JsonValue] = {}
    histograms: dict[str, NumberHistogram | CategoryHistogram] = {}
    lineage: dict[str, str] = {}
    example: dict[str, JsonValue] = {}
    form: Form | None = None
    card: Card | None = None
    proof: Proof | None = None

    @cached_property
    def inputs_by_name(self) -> dict[str, Input]:
        """The inputs under their names, in order."""
        return {field.name: field for field in self.inputs}

    @cached_property
    def blocks(self) -> dict[Datatype, tuple[TensorName, ...]]:
        """By datatype, the inputs of one value a row, (-1, 1), that may be missing."""
        found: dict[Datatype, tuple[TensorName, ...]] = {}
        for field in self.inputs:
            if field.may_be_missing and field.shape == (-1, 1):
                found[field.datatype] = (*found.get(field.datatype, ()), field.name)
        return found

    @cached_property
    def others(self) -> tuple[Input, ...]:
        """The inputs that are in none of the `blocks`."""
        return tuple(field for field in self.inputs if field.name not in self.blocks.get(field.datatype, ()))

    @cached_property
    def outputs_by_name(self) -> dict[str, Output]:
        """The outputs under their names, in order."""
        return {field.name: field for field in self.outputs}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        inputs = [field.name for field in self.inputs]
        for what, names in (("input", inputs), ("output", [field.name for field in self.outputs])):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is listed twice")
        answered = {field.name for field in self.outputs}
        for field in self.outputs:
            if field.interval is not None and not {field.interval.low, field.interval.high} <= answered:
                raise ValueError(f"the interval of {field.name!r} names ends that are no outputs")
        if self.proof is not None and (self.form is not None or not self.proof.outputs.keys() <= answered):
            raise ValueError("a proof names outputs of a model that has no form")
        fields = inputs if self.form is None else [self.form.field]
        for what, keys, known in (("example", self.example, fields), ("histograms", self.histograms, inputs)):
            unknown = sorted(set(keys) - set(known))
            if unknown:
                raise ValueError(f"{what} names {unknown[0]!r}, which is no input")
        return self
