"""A cell as it is drawn: what computes is there, and nothing else."""

from models.layers.cell import EDGES
from models.plots_cell import plot_cell


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def test_a_cell_is_drawn_without_what_is_none():
    figure = plot_cell(("conv3", "none", "skip", "conv1", "pool3"), EDGES, title="a cell")
    assert sorted(words(figure)) == sorted(["3x3", "skip", "1x1", "pool 3x3", "in", "+", "+", "out"])
    assert sorted(words(plot_cell(("none", "conv1", "none", "none", "skip"), EDGES, title=""))) == [
        "+", "1x1", "in", "out", "skip",
    ]  # fmt: skip


def test_a_cell_that_leads_nowhere_is_two_nodes():
    assert words(plot_cell(("none",) * 5, EDGES, title="")) == ["in", "out"]
