"""Parameters of the zoo: `models/zoo/params.yaml`, a block a network, read once and checked."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import ParamsError
from pipeline.params import fault
from pipeline.section import Positive, Section, Seed

ZOO_PARAMS_FILE = Path("models/zoo/params.yaml")

Rate = Annotated[float, Field(gt=0)]


class TrainingParams(Section):
    """The trainer's arguments, see `models.trainer.fit`; `batch_size` counts rows."""

    epochs: Positive
    lr: Rate
    batch_size: Positive
    patience: Positive | None = None
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.0
    clip_norm: Rate | None = None
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    precision: Literal["float32", "bfloat16", "float16", "auto"] = "float32"
    accumulate: Positive = 1
    compile: bool = False
    processes: Positive = 1
    threads: Positive = 1
    seed: Seed = 0


class DataParams(Section):
    """Which rows: the embedded ones, those of a folder, or the hub's."""

    source: Literal["embedded", "folder", "hub"] = "embedded"
    folder: str | None = None


class NetworkParams(Section):
    """One network: `task` names its kind, `network` entries of its config, `options` its task's arguments."""

    task: str
    network: dict[str, Any] = {}
    options: dict[str, Any] = {}
    training: TrainingParams


def read_zoo(path: Path = ZOO_PARAMS_FILE) -> tuple[DataParams, dict[str, dict[str, Any]]]:
    """The data wanted, and each network's block as it stands. Raises ParamsError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return DataParams.model_validate(document["data"]), dict(document["networks"])
    except OSError as error:
        raise ParamsError(f"{path}: expected the zoo's parameters, got: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ParamsError(f"{path}: expected YAML with `data` and `networks`, got: {error}") from error
    except ValidationError as error:
        raise ParamsError(f"{path}: {fault(error)}") from error


def network_params(
    name: str, source: str, path: Path = ZOO_PARAMS_FILE, overrides: dict[str, Any] | None = None
) -> NetworkParams:
    """The block of `name`, its `embedded` part laid over it where the data are embedded, then `overrides`.

    `overrides` are values by dotted key (`training.epochs`). Raises ParamsError naming the key.
    """
    _, blocks = read_zoo(path)
    if name not in blocks:
        raise ParamsError(f"{path}: expected a network among {', '.join(blocks)}, got {name!r}")
    block = dict(blocks[name])
    small = block.pop("embedded", {})
    merged = _laid_over(block, small if source == "embedded" else {})
    for key, value in (overrides or {}).items():
        merged = _laid_over(merged, _nested(key.split("."), value))
    try:
        return NetworkParams.model_validate(merged)
    except ValidationError as error:
        raise ParamsError(f"{path}: networks.{name}.{fault(error)}") from error


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        inner = result.get(key)
        both = isinstance(inner, dict) and isinstance(value, dict)
        result[key] = _laid_over(inner, value) if both else value  # type: ignore[arg-type]
    return result


def _nested(keys: list[str], value: Any) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value) if keys[1:] else value}
