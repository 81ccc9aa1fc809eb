from pathlib import Path
from typing import Any

import pytest
import yaml

from models.steady import CLASSES
from pipeline.errors import ParamsError
from pipeline.params import PARAMS_FILE, read_params


def changed(tmp_path: Path, section: str, key: str, value: Any) -> Path:
    data = yaml.safe_load(PARAMS_FILE.read_text())
    data[section][key] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def test_the_shipped_parameters_are_valid_and_frozen() -> None:
    params = read_params()
    with pytest.raises(ValueError, match="frozen"):
        params.tune.trials = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("section", "key", "value", "says"),
    [
        ("tune", "trails", 3, "tune.trails: Extra inputs are not permitted"),
        ("tune", "trials", 0, "tune.trials: Input should be greater than or equal to 1, got '0'"),
        ("tune", "trials", "many", "tune.trials: Input should be a valid integer"),
        ("prepare", "fractions", [0.5, 0.5, 0.5], "add to 1"),
        ("prepare", "on_constant", "ignore", "prepare.on_constant: Input should be 'error' or 'drop'"),
        (
            "ensemble",
            "quality",
            "bset",
            "ensemble.quality: Value error, expected one of the presets, quick, best, got 'bset'",
        ),
        ("ensemble", "presets", {"quick": {"folds": 1}}, "ensemble.presets.quick.families: Field required"),
        ("ensemble", "presets", {}, "ensemble.presets: Dictionary should have at least 1 item"),
        ("decompose", "refits", 1, "decompose.refits: Input should be greater than or equal to 2"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, section: str, key: str, value: Any, says: str) -> None:
    with pytest.raises(ParamsError, match=r"params\.yaml") as caught:
        read_params(changed(tmp_path, section, key, value))
    assert says in str(caught.value)


def test_each_preset_of_the_ensemble_can_be_chosen(tmp_path: Path) -> None:
    assert read_params().ensemble.quality == "quick"
    quick, best = (
        read_params(changed(tmp_path, "ensemble", "quality", name)).ensemble for name in ("quick", "best")
    )
    assert best.settings() == {**best.presets["best"].model_dump(), "threads": best.threads}
    assert best.preset.folds > quick.preset.folds
    for preset in (quick.preset, best.preset):
        assert set(preset.families) <= set(CLASSES)
        assert set(preset.stacked) <= set(preset.families)


def test_an_absent_file_and_bad_yaml_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="No such file"):
        read_params(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ParamsError, match="expected YAML"):
        read_params(tmp_path / "bad.yaml")
