"""Figures as SVG files: the same bytes for the same figure, text as text."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pipeline.files import whole_file


def save_figure(path: Path, figure: Figure) -> None:
    """Write `figure` as SVG without a date or random ids, so that equal results are equal files."""
    with whole_file(path) as fresh, mpl.rc_context({"svg.hashsalt": "millrace", "svg.fonttype": "none"}):
        figure.savefig(fresh, format="svg", bbox_inches="tight", metadata={"Date": None})
