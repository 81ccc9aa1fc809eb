"""Parameters of the chain: `params.yaml`, one section per stage, read once and checked."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.errors import ParamsError
from pipeline.params_export import ExportParams
from pipeline.section import Edges, Keep, Names, Positive, Section, Seed, Share

PARAMS_FILE = Path("params.yaml")
UNION_PARTS = {"int", "float", "str"}  # what pydantic adds to the key of a union


class ComputeParams(Section):
    """Who carries jobs that joblib knows how to share: this machine, or the Ray cluster at `address`.

    The address is host:port, or auto: the cluster that runs on this machine. No figure depends on it.
    """

    engine: Literal["local", "ray"]
    address: str


class ParseParams(Section):
    """How pages become records: `workers` processes."""

    workers: Positive


class PrepareParams(Section):
    """The table: its target, what is left out, what is derived, and the three parts it is split into."""

    target: str
    drop: list[str]
    derive: dict[str, str]
    on_constant: Literal["error", "drop"]
    fractions: Annotated[list[float], Field(min_length=3, max_length=3)]
    salt: str

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"fractions are three shares above 0 that add to 1, not {self.fractions}")
        return self


class BakeOffParams(Section):
    """The comparison of `methods` at `sizes` (numbers of columns) on outer folds of the train rows."""

    methods: Names
    sizes: Annotated[list[Positive], Field(min_length=1)]
    folds: Annotated[int, Field(ge=2)]


class SelectParams(Section):
    """Which columns a model is to read: methods, how many to keep ("auto": as the bake-off's winner does),
    the resamples that test them, and the bake-off, or none.
    """

    methods: Names
    keep: Keep
    resamples: Annotated[int, Field(ge=2)]
    resample_fraction: Annotated[float, Field(ge=0.1, lt=1)]
    bake_off: BakeOffParams | None
    seed: Seed

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        if self.keep == "auto" and self.bake_off is None:
            raise ValueError("keep: auto lets the bake-off decide; give bake_off methods, sizes and folds")
        return self


class EnsemblePreset(Section):
    """What AutoGluon may fit: families with fixed rounds, folds, levels; the time limit is a safety net."""

    families: dict[str, dict[str, Any] | list[dict[str, Any]]]
    folds: Annotated[int, Field(ge=2)]
    stack_levels: Annotated[int, Field(ge=0)]
    stacked: list[str]
    time_limit_s: Annotated[float, Field(gt=0)]


class EnsembleParams(Section):
    """Which of the `presets` is fitted, named by `quality`, and on how many threads."""

    threads: Positive
    presets: Annotated[dict[str, EnsemblePreset], Field(min_length=1)]
    quality: str  # last: it is checked against the presets

    @field_validator("quality")
    @classmethod
    def _is_a_preset(cls, quality: str, info: ValidationInfo) -> str:
        presets = info.data.get("presets")
        if presets is not None and quality not in presets:
            raise ValueError(f"expected one of the presets, {', '.join(presets)}")
        return quality

    @property
    def preset(self) -> EnsemblePreset:
        """The preset that `quality` names."""
        return self.presets[self.quality]

    def settings(self) -> dict[str, Any]:
        """The preset and the threads, as `fit_ensemble` takes them."""
        return {**self.preset.model_dump(), "threads": self.threads}


class RungParams(Section):
    """A cheaper training: shares of rows, of epochs and of the network's width."""

    rows: Annotated[float, Field(gt=0, le=1)] = 1.0
    epochs: Annotated[float, Field(gt=0, le=1)] = 1.0
    size: Annotated[float, Field(gt=0, le=1)] = 1.0


class TuneParams(Section):
    """The study: which network, how many trials of how many epochs, and when a trial is given up.

    `ladder` has the rungs before the full training. `first` is what to try before any are drawn: parameters,
    or names among the network's starts (`all` of them). The first `audit` trials run to the end; a step whose
    Kendall tau over them is under `tau_floor` prunes nothing.
    """

    network: str
    trials: Positive
    epochs: Positive
    patience: Positive
    sampler: str
    pruner: str
    startup_trials: Positive
    warm_up_steps: Annotated[int, Field(ge=0)]
    ladder: list[RungParams]
    folds: Positive
    audit: Annotated[int, Field(ge=0)]
    tau_floor: Annotated[float, Field(ge=-1, le=1)]
    first: list[str | dict[str, Any]]
    workers: Positive
    seed: Seed
    threads: Positive


class DistilParams(Section):
    """The ensemble as the network's teacher: copies of the rows, and the weight of their true values."""

    copies: Positive
    share: Share
    truth: Annotated[float, Field(ge=0, le=1)]


class TrainParams(Section):
    """The final training of the best configuration; without `distil` from the training rows alone."""

    distil: DistilParams | None = None
    epochs: Positive
    patience: Positive
    seed: Seed
    threads: Positive


class EvaluateParams(Section):
    """The comparison on the test split: bootstrap resamples, and the slices in which errors are shown.

    `coverage` is the share of true values that a model's interval is to hold.
    """

    bootstrap: Positive
    confidence: Share
    coverage: Share
    category_slices: list[str]
    number_slices: dict[str, Edges]
    seed: Seed


class BoostedParams(Section):
    """LightGBM's trees: how many, how large a step each is, and how many leaves it may have."""

    n_estimators: Positive
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    num_leaves: Annotated[int, Field(ge=2)]


class DecomposeParams(Section):
    """Bias and variance: refits on a fraction of the training rows each, and the learners that are compared.

    AutoGluon's ensemble is the section `ensemble` with `final_folds` folds in place of its own.
    """

    refits: Annotated[int, Field(ge=2)]
    fraction: Share
    min_leaf: Positive
    bagged_trees: Positive
    boosted: BoostedParams
    stacked_folds: Annotated[int, Field(ge=2)]
    final_folds: Annotated[int, Field(ge=2)]
    bootstrap: Positive
    confidence: Share
    seed: Seed
    threads: Positive


class ReportParams(Section):
    """The report's title."""

    title: str


class Params(Section):
    """All sections of `params.yaml`."""

    compute: ComputeParams
    parse: ParseParams
    prepare: PrepareParams
    select_features: SelectParams
    ensemble: EnsembleParams
    tune: TuneParams
    train: TrainParams
    evaluate: EvaluateParams
    decompose: DecomposeParams
    export: ExportParams
    report: ReportParams


def read_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check the parameters. Raises ParamsError naming the key, what it takes and what came."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path}: expected the parameters of the chain, got: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: expected YAML, got: {error}") from error
    try:
        return Params.model_validate(data)
    except ValidationError as error:
        raise ParamsError(f"{path}: {fault(error)}") from error


def fault(error: ValidationError) -> str:
    """The first fault of a pydantic error: its key, what it takes and what came."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part not in UNION_PARTS) or "the file"
    came = "" if first["type"] == "missing" else f", got {str(first['input'])[:80]!r}"
    return f"{key}: {first['msg']}{came}"
