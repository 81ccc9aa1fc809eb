"""The choice from raw rows, and its plots."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from features.columns import Column
from features.errors import FeatureError
from features.selection.choose import Choice, choose
from features.selection.plots import plot_frequency, plot_rankings, plot_scores, plot_stability

COLUMNS = (
    Column("zone", "category"),
    Column("noise", "number"),
    Column("area", "number"),
    Column("quality", "category", levels=("Poor", "Fair", "Good"), ordered=True),
    Column("lift", "category"),
    Column("colour", "category"),
)


def houses(rows: int = 160) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "zone": rng.choice(["A", "B", None], rows),
            "noise": rng.normal(size=rows),
            "area": rng.lognormal(7, 0.3, rows),
            "quality": rng.choice(["Poor", "Fair", "Good"], rows),
            "lift": "no",
            "colour": rng.choice(["red", "blue"], rows),
        }
    )
    effect = frame["quality"].map({"Poor": 0.0, "Fair": 0.3, "Good": 0.6}) + (frame["zone"] == "A") * 0.5
    return frame, (np.log(frame["area"]) + effect + rng.normal(0, 0.05, rows)).rename("log_price")


def chosen(frame: pd.DataFrame, y: pd.Series, keep: int = 3) -> Choice:
    return choose(
        frame,
        COLUMNS,
        y,
        methods=["pearson", "gini"],
        n_features_to_select=keep,
        resamples=3,
        progress=False,
    )


@pytest.fixture(scope="module")
def choice() -> Choice:
    return chosen(*houses())


def test_the_raw_columns_that_matter_are_chosen_in_the_tables_order(choice: Choice) -> None:
    assert [c.name for c in choice.columns] == ["zone", "area", "quality"]
    assert choice.constant == ("lift",)
    assert list(choice.scores.columns) == ["pearson", "gini", "consensus"]
    assert set(choice.scores.index) == {"zone", "noise", "area", "quality", "colour"}
    assert choice.scores["consensus"].is_monotonic_decreasing
    assert (choice.stability.frequency.loc[["zone", "area", "quality"]] == 1).all(axis=None)
    assert list(choice.seconds.index) == ["pearson", "gini"]


def test_the_same_rows_give_the_same_choice_in_any_index(choice: Choice) -> None:
    frame, y = houses()
    again = chosen(frame.set_axis([f"h{i}" for i in frame.index]), y.set_axis([f"h{i}" for i in y.index]))
    pd.testing.assert_frame_equal(choice.scores, again.scores)
    pd.testing.assert_frame_equal(choice.stability.scores, again.stability.scores)


@pytest.mark.parametrize("methods", [["pearson", "magic"], []])
def test_an_unknown_method_is_named(methods: list[str]) -> None:
    frame, y = houses(60)
    with pytest.raises(FeatureError, match=r"among pearson, spearman, .*, got"):
        choose(frame, COLUMNS, y, methods=methods, n_features_to_select=2)


def test_one_method_may_decide() -> None:
    frame, y = houses()
    settings = {"methods": ["pearson", "gini"], "n_features_to_select": 1, "resamples": 2, "progress": False}
    choice = choose(frame, COLUMNS, y, decided_by="gini", **settings)
    assert choice.scores["gini"].is_monotonic_decreasing
    assert [c.name for c in choice.columns] == [choice.scores.index[0]]
    with pytest.raises(FeatureError, match="one of pearson, gini or consensus to decide, got 'lasso'"):
        choose(frame, COLUMNS, y, decided_by="lasso", **settings)


def test_every_plot_is_a_figure_that_saves(choice: Choice, tmp_path: Path) -> None:
    figures = {
        "rankings": plot_rankings(choice.scores, top=4),
        "scores": plot_scores(choice.scores, top=4),
        "frequency": plot_frequency(choice.stability, choice.scores.index, top=4),
        "stability": plot_stability(choice.stability),
    }
    for name, figure in figures.items():
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / f"{name}.png", dpi=50)
        with Image.open(tmp_path / f"{name}.png") as image:
            assert len(image.convert("RGB").getcolors(100_000) or []) > 20


def test_the_tables_of_a_plot_are_cut_to_the_top(choice: Choice) -> None:
    (axes,) = plot_rankings(choice.scores, top=2).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(choice.scores.index[:2])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["pearson", "gini", "consensus"]
