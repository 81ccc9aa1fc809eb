"""The model card from what the stages wrote, and the limits that follow from the figures."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.columns import Column
from pipeline.card import make_card
from pipeline.card_limits import Evidence, limits
from pipeline.columns import Schema
from pipeline.errors import InputError
from pipeline.files import write_csv, write_json, write_parquet
from pipeline.params import read_params
from pipeline.params_export import ExportParams
from pipeline.tables import Selection
from serving.card import Card, CardSlice

COLUMNS = (Column("area", "number", unit="sqft"), Column("year", "number"), Column("town", "category"))
CHOSEN = Selection(COLUMNS, Schema("pid", Column("price", "number", unit="USD"), COLUMNS, {}), None)  # type: ignore[arg-type]
TRAIN = pd.DataFrame(
    {
        "pid": ["a", "b", "c"],
        "area": [800.0, None, 2500.0],
        "year": [2006.0, 2010.0, 2007.0],
        "town": ["x"] * 3,
    }
).assign(price=[100_000.0, 150_000.0, 300_000.0])
ROWS = pd.DataFrame({"price": [100.0, 100.0, 100.0, 100.0], "predicted_network": [100.0, 104.0, 90.0, 50.0]})
PARITY: dict[str, Any] = {
    "cases": [{"name": "given", "max_relative": 0.0}, {"name": "area missing", "max_relative": 3e-7}]
}


def outcome(check: str, subject: str, measured: float) -> dict[str, Any]:
    return {"check": check, "subject": subject, "measured": {"Python": 1.0, "graph": measured}}


BEHAVIOUR: dict[str, Any] = {
    "paths": ["Python", "graph"],
    "tests": [
        outcome("missing field", "year", 1.0),
        outcome("missing field", "town", 1.07),
        outcome("missing field", "area", 1.52),
        outcome("unseen category", "town", 1.21),
    ],
}


def one_slice(slicing: str, name: str, rows: int, rmsle: float, bias: float) -> CardSlice:
    return CardSlice(
        slicing=slicing, name=name, rows=rows, metrics={"rmsle": rmsle, "mae": 1.0, "bias": bias}
    )


SLICES = (
    one_slice("town", "Ames", 100, 0.08, 0.01),
    one_slice("town", "Boone", 50, 0.16, -0.06),
    one_slice("town", "Nevada", 2, 0.5, 0.4),
    one_slice("age", "old", 152, 0.1, 0.03),
)


def found(**changes: Any) -> list[str]:
    arguments: dict[str, Any] = {
        "model": "network", "chosen": CHOSEN, "train": TRAIN, "rows": ROWS, "rmsle": 0.1, "slices": SLICES,
        "parity": PARITY, "behaviour": BEHAVIOUR, "few_rows": 20,
    }  # fmt: skip
    return limits(Evidence(**arguments | changes))


def test_every_figure_becomes_a_sentence() -> None:
    assert found() == [
        "A single answer may be far off: of 4 test rows half were off by less than 7.0%, one in ten by more "
        "than 38%, one by 50%.",
        "By town the error is largest in 'Boone': RMSLE 0.160 on 50 rows, 1.6 times that of all test rows.",
        "By town the answers are on average 6% too low in 'Boone'.",
        "By age the answers are on average 3% too high in 'old'.",
        "Little is known of slices with fewer than 20 test rows, and there are such: 1 of 3 by town.",
        "Outside the training rows it guesses: area 800 to 2500 sqft, year 2006 to 2010; the inputs list the "
        "ranges of all 2 numbers, and none is enforced.",
        "A missing field is filled in with no warning, a number by the training rows' median; on the test "
        "rows that changed answers by a factor of up to 1.52 (area), 1.07 (town).",
        "A category never seen in training changed answers by a factor of up to 1.21 (town).",
        "The served graph differs from the fitted model by 3e-07 of an answer at most, in 2 cases tried "
        "(parity.json).",
    ]


def test_what_was_not_found_is_not_told() -> None:
    quiet = found(slices=(), behaviour={"paths": ["graph"], "tests": []})
    assert [sentence.split()[0:2] for sentence in quiet] == [["A", "single"], ["The", "served"]]
    level = found(slices=[one_slice("town", "Ames", 40, 0.1, 0.02)])
    assert not [sentence for sentence in level if sentence.startswith("By ")], "a bias within its error"


def written(folder: Path) -> Path:
    """What the stages before export write; gives the folder of their reports."""
    write_parquet(folder / "prepared/train.parquet", TRAIN)
    write_json(folder / "prepared/counts.json", {"rows": {"train": 3, "test": 4}})
    write_json(folder / "parse.json", {"site": "houses", "records": 7})
    ends = {"value": 0.1, "low": 0.08, "high": 0.12}
    figures = {
        "network": {"rmsle": ends, "mae": ends},
        "median": {"rmsle": ends | {"value": 0.4}, "mae": ends},
    }
    intervals = {"network": {"coverage": 0.9, "held": 0.88}, "ensemble": {"coverage": 0.9, "held": 0.91}}
    write_json(folder / "evaluate/metrics.json", {"models": figures, "intervals": intervals})
    rows = [
        {
            "slicing": "town",
            "slice": name,
            "model": model,
            "rows": 4,
            "rmsle": 0.1,
            "mae": 0.1,
            "bias": 0.0,
            "held": 0.75,
        }
        for name in ("None", "NA")
        for model in ("network", "median")
    ]
    write_csv(folder / "evaluate/slices.csv", pd.DataFrame(rows))
    return folder


def card_of(folder: Path, wanted: ExportParams) -> Card:
    return make_card(
        "network", "A network.", CHOSEN, ROWS, wanted,
        confidence=0.9, prepared=folder / "prepared", reports=folder, parity=PARITY, behaviour=BEHAVIOUR,
    )  # fmt: skip


def wanted(**changes: Any) -> ExportParams:
    export = read_params().export
    return export.model_copy(update={"card": export.card.model_copy(update={"period": "year"} | changes)})


def test_the_card_is_made_of_what_the_stages_wrote(tmp_path: Path) -> None:
    card = card_of(written(tmp_path), wanted())
    assert (card.data.site, card.data.records, card.data.rows) == ("houses", 7, {"train": 3, "test": 4})
    assert card.data.period == "year 2006 to 2010 in the training rows"
    assert card.data.target is not None
    assert (card.data.target.minimum, card.data.target.median, card.data.target.unit) == (1e5, 1.5e5, "USD")
    rmsle, mae, held = card.metrics
    assert (rmsle.low, rmsle.high, rmsle.unit, rmsle.others) == (0.08, 0.12, None, {"median": 0.4})
    assert mae.unit == "USD"
    assert (held.name, held.value, held.others) == ("held", 0.88, {"ensemble": 0.91})
    assert card.slices[0].metrics["held"] == 0.75
    assert [one.name for one in card.slices] == ["None", "NA"], "names of slices that are no missing values"
    assert card.limits[: len(wanted().card.limits)] == tuple(wanted().card.limits)
    assert len(card.limits) > len(wanted().card.limits)
    assert card_of(tmp_path, wanted(period=None)).data.period == ""


@pytest.mark.parametrize("column", ["yaer", "town"])
def test_a_period_of_no_number_column_is_named(tmp_path: Path, column: str) -> None:
    with pytest.raises(InputError, match=f"export.card.period: '{column}' is no number column"):
        card_of(written(tmp_path), wanted(period=column))


def test_an_old_report_is_one_line(tmp_path: Path) -> None:
    folder = written(tmp_path)
    write_json(folder / "parse.json", {"records": 7})
    with pytest.raises(InputError, match=r"the model card lacks 'site' in .*: run `dvc repro`"):
        card_of(folder, wanted())
    (folder / "evaluate/slices.csv").write_text("")
    with pytest.raises(InputError, match=r"slices\.csv is no CSV table"):
        card_of(folder, wanted())
