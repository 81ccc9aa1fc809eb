"""The plots of a bake-off and of single methods: what they show, and that they save."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from features.columns import Column
from features.selection.bake_off import BakeOff, bake_off
from features.selection.lasso import Lasso
from features.selection.plots_bake_off import plot_score_by_size, plot_stability_by_size
from features.selection.plots_evidence import plot_beeswarm, plot_clusters, plot_dependence, plot_lasso_path


def saved(figure: Figure, path: Path) -> None:
    """Saves `figure` and sees that it is not empty."""
    figure.savefig(path, dpi=50)
    with Image.open(path) as image:
        assert len(image.convert("RGB").getcolors(100_000) or []) > 20


def rows(n: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    X["twin"] = X["a"] + rng.normal(0, 0.05, n)
    return X, (2 * X["a"] + X["b"]).rename("y")


@pytest.fixture(scope="module")
def baked() -> BakeOff:
    X, y = rows()
    columns = [Column(name, "number") for name in X]
    return bake_off(X, columns, y, methods=["pearson", "anova"], sizes=[1, 2], folds=3, progress=False)


def test_the_curve_has_a_line_for_each_method_and_names_the_winner(baked: BakeOff, tmp_path: Path) -> None:
    figure = plot_score_by_size(baked)
    (axes,) = figure.axes
    method, size = baked.winner()
    assert f"{method} at {size} wins" in axes.get_title(loc="left")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["pearson", "anova", "consensus"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "5"]
    saved(figure, tmp_path / "curve.png")


def test_stability_leaves_out_all_columns(baked: BakeOff, tmp_path: Path) -> None:
    figure = plot_stability_by_size(baked)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2"]
    saved(figure, tmp_path / "stability.png")


def test_columns_that_say_the_same_stand_together_in_a_square(tmp_path: Path) -> None:
    X, _ = rows()
    figure = plot_clusters(X)
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert abs(names.index("a") - names.index("twin")) == 1
    (square,) = axes.lines
    assert np.ptp(square.get_xdata()) == 2
    saved(figure, tmp_path / "clusters.png")


def test_the_path_names_the_first_columns(tmp_path: Path) -> None:
    X, y = rows()
    figure = plot_lasso_path(Lasso(2).fit(X, y), names=list(X.columns), top=2)
    assert len(figure.axes[0].get_legend().get_texts()) == 2
    assert len(figure.axes[0].lines) == X.shape[1] + 1
    saved(figure, tmp_path / "path.png")


def test_shares_are_shown_with_the_largest_first_and_the_partner_that_interacts(tmp_path: Path) -> None:
    X, _ = rows(300)
    shares = X.to_numpy() * [3.0, 1.0, 0.1, 0.0, 0.0]
    shares[:, 0] *= 1 + (X["d"] > 0)
    swarm = plot_beeswarm(shares, X, top=3)
    assert [label.get_text() for label in swarm.axes[0].get_yticklabels()] == ["a", "b", "c"]
    saved(swarm, tmp_path / "swarm.png")
    positive = X["a"] > 0
    panels = plot_dependence(shares[positive], X[positive], top=3)
    assert panels.axes[0].get_title(loc="left") == "a, coloured by d"
    assert not panels.axes[3].get_visible()
    saved(panels, tmp_path / "dependence.png")
