"""The report's section on bias and variance, from what the stage decompose writes."""

import json
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.decomposition import decompose
from pipeline.decompose import budget, learners
from pipeline.params import read_params
from pipeline.report import TEMPLATES, decomposition_story


def test_the_report_tells_parts_and_budget(tmp_path: Path) -> None:
    settings, truth = read_params(), np.zeros(30)
    noise = np.random.default_rng(0).normal(size=(2, 30))
    answers = {
        name: 1 + noise / 2**place
        for place, name in enumerate(learners(settings.decompose, settings.ensemble))
    }
    parts = decompose(answers, truth, resamples=20, confidence=0.95, seed=0)
    (tmp_path / "metrics.json").write_text(json.dumps({"rows": 30, "learners": parts}))
    (tmp_path / "budget.json").write_text(json.dumps(budget(settings.decompose, settings.ensemble, 2001)))
    html = rendered(tmp_path)
    for words in (
        "another 1,000 of the 2,001 training rows",
        "asked for the 30 test rows",
        "AutoGluon",
        "100%",
        "25%",
        "6%",
    ):
        assert words in html
    assert "decompose/decomposition.svg" in html


def rendered(folder: Path) -> str:
    page = (TEMPLATES / "report.html").read_text()
    section = page[page.index('<section id="decomposition">') : page.index('<section id="study">')]
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(page[: page.index("\n")] + section)
    return template.render(decomposition=decomposition_story(folder), data_uri=lambda name: name)
