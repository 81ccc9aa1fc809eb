"""The stage select_features: it sees train rows alone, and says why it chose."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.columns import Column
from features.errors import FeatureError
from features.table import split_by_hash
from pipeline import select_features
from pipeline.columns import Schema, write_schema
from pipeline.errors import ParamsError
from pipeline.params import PARAMS_FILE, read_params
from pipeline.report import TEMPLATES, data_uri, selection_story

NUMBERS = ("area", "rooms", "noise", "leak")
SMALL = {
    "methods": ["pearson", "lasso", "shap"],
    "keep": 3,
    "resamples": 2,
    "bake_off": {"methods": ["pearson", "gini"], "sizes": [1, 2, 3], "folds": 3},
}


def prepared(folder: Path, rows: int = 200) -> Path:
    """A split table whose column `leak` is the target on validation and test rows, on train rows noise."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=NUMBERS)
    frame["zone"] = rng.choice(["A", "B"], rows)
    frame["key"] = [f"h{i}" for i in range(rows)]
    frame["price"] = np.exp(1 + 0.5 * frame["area"] + 0.3 * frame["rooms"] + 0.3 * (frame["zone"] == "A"))
    part = split_by_hash(frame["key"], salt="ames")
    frame["leak"] = frame["leak"].where(part == "train", frame["price"])
    columns = (*(Column(name, "number") for name in NUMBERS), Column("zone", "category"))
    folder.mkdir()
    write_schema(folder / "schema.json", Schema("key", Column("price", "number"), columns, {}))
    for name, own in frame.groupby(part):
        own.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def with_params(folder: Path, **change: Any) -> Path:
    data = yaml.safe_load(PARAMS_FILE.read_text())
    data["select_features"] |= {**SMALL, **change}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def ran(tmp_path: Path, table: Path, **change: Any) -> tuple[list[str], Path]:
    """The names of the chosen columns, and the folder of the evidence."""
    selection, report = tmp_path / "selection", tmp_path / "report"
    select_features.main(table, selection, report, with_params(tmp_path, **change))
    return [column["name"] for column in json.loads((selection / "columns.json").read_text())], report


@pytest.mark.slow
def test_what_leaks_in_other_parts_is_not_seen(tmp_path: Path) -> None:
    table = prepared(tmp_path / "prepared")
    chosen, report = ran(tmp_path, table)
    assert chosen == ["area", "rooms", "zone"]
    fields = json.loads((report / "fields.json").read_text())
    assert fields == {"needed": ["area", "rooms", "zone"], "not_needed": ["leak", "noise"]}
    scores = (report / "bake_off_folds.csv").read_bytes()
    for part in ("validation", "test"):
        (table / f"{part}.parquet").unlink()
    again, report = ran(tmp_path, table)
    assert again == chosen
    assert (report / "bake_off_folds.csv").read_bytes() == scores


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_row_of_another_part_among_the_train_rows_is_refused(tmp_path: Path, part: str) -> None:
    table = prepared(tmp_path / "prepared")
    parts = {name: pd.read_parquet(table / f"{name}.parquet") for name in ("train", part)}
    planted = pd.concat([parts["train"], parts[part].head(1)], ignore_index=True)
    planted.to_parquet(table / "train.parquet", index=False)
    with pytest.raises(FeatureError, match=rf"key 'h\d+', row \d+ \(1 of \d+\) belongs to '{part}'"):
        ran(tmp_path, table)


def test_keep_auto_takes_the_winner_of_the_bake_off(tmp_path: Path) -> None:
    chosen, report = ran(tmp_path, prepared(tmp_path / "prepared"), keep="auto")
    winner = json.loads((report / "bake_off.json").read_text())["winner"]
    methods = json.loads((report / "methods.json").read_text())
    assert len(chosen) == winner["size"] < 5
    assert methods["decided_by"] == winner["method"]
    assert set(methods["costs"]) == {"pearson", "gini"}


def test_without_a_bake_off_there_is_none_and_it_cannot_decide(tmp_path: Path) -> None:
    _, report = ran(tmp_path, prepared(tmp_path / "prepared"), bake_off=None)
    assert not list(report.glob("bake_off*"))
    with pytest.raises(ParamsError, match="keep: auto lets the bake-off decide"):
        read_params(with_params(tmp_path, bake_off=None, keep="auto"))


@pytest.mark.parametrize("keep", [0, 1.5, "all", True])
def test_a_number_to_keep_that_is_none_is_refused(tmp_path: Path, keep: Any) -> None:
    with pytest.raises(ParamsError, match=r"select_features\.keep: .* a share between 0 and 1, or auto, got"):
        read_params(with_params(tmp_path, keep=keep))


def test_the_report_tells_costs_spare_fields_and_the_bake_off(tmp_path: Path) -> None:
    _, report = ran(tmp_path, prepared(tmp_path / "prepared"))
    story = selection_story(report)
    assert [name for name, *_ in story["methods"]] == ["pearson", "lasso", "shap"]
    assert story["bake_off"]["folds"] == 3
    assert [name for name, _ in story["plots"]] == [
        "lasso_path", "shap_beeswarm", "shap_dependence", "clusters",
    ]  # fmt: skip
    page = (TEMPLATES / "report.html").read_text()
    section = page[page.index('<section id="selection">') : page.index('<section id="ensemble">')]
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(page[: page.index("\n")] + section)
    html = template.render(selection=story, data_uri=lambda name: data_uri(report / Path(name).name))
    assert "need not fetch these 2:" in html
    assert "<code>leak</code>, <code>noise</code>" in html
    assert html.count("<img") == 3 + 2 + 4
    assert "one pass over the table: O(n d)" in html
