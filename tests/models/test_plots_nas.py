"""Plots of architecture search: what is drawn is what happened."""

import numpy as np
import pytest

from models.plots_nas import plot_progress, plot_ranks, plot_regrets, plot_search


def test_progress_holds_the_median_of_the_seeds_from_when_half_have_begun():
    curves = [[(0.01, 0.2), (0.03, 0.8)], [(0.01, 0.4)], [(0.02, 0.6)]]
    figure = plot_progress({"random": curves, "other": curves[:1]}, value="accuracy", best=0.9, share=0.05)
    panels = figure.axes
    assert [axes.get_title(loc="left") for axes in panels] == ["random", "other"]
    grid, middle = panels[0].lines[1].get_data()
    held = dict(zip(grid.round(5), middle, strict=True))
    at = lambda share: held[min(held, key=lambda place: abs(place - share))]  # noqa: E731
    assert np.isnan(at(0.005))
    assert at(0.015) == 0.2
    assert at(0.025) == 0.4
    assert at(0.045) == 0.6
    np.testing.assert_array_equal(panels[1].lines[0].get_ydata(), middle)


def test_regrets_are_sorted_by_their_median_and_every_seed_is_a_dot():
    figure = plot_regrets({"worse": [0.2, 0.3, 0.1], "better": [0.0, 0.0]}, top=0.01, ceiling=0.02)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["better", "worse"]
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == 5


def test_ranks_begin_with_the_best_at_place_one():
    figure = plot_ranks({"synflow": (np.array([3.0, 2.0, 1.0]), np.array([0.9, 0.7, 0.8]), 1 / 3)})
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "synflow  τ 0.33"
    assert axes.collections[0].get_offsets().tolist() == [[1, 1], [3, 2], [2, 3]]


def test_a_search_shows_the_best_of_the_full_trainings():
    trials = [(10, 0.9, False), (20, 0.5, True), (30, 0.4, True), (40, 0.7, True)]
    (axes,) = plot_search(trials, value="accuracy", unit="steps", best=None).axes
    (line,) = axes.lines
    assert line.get_ydata().tolist() == [0.5, 0.5, 0.7, 0.7]
    assert "a few epochs" in axes.get_legend_handles_labels()[1]


@pytest.mark.parametrize("count", [1, 4, 11])
def test_there_are_as_many_panels_as_methods(count):
    curves = {str(number): [[(0.0, 0.5)]] for number in range(count)}
    figure = plot_progress(curves, value="accuracy", best=0.6, share=0.05)
    assert sum(axes.get_visible() for axes in figure.axes) == count
