"""Stage report: what every stage wrote -> one offline page that tells the story of the model."""

import base64
from math import exp
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from pipeline.errors import InputError
from pipeline.files import read_csv, read_json, read_yaml, write_text
from pipeline.params import PARAMS_FILE, read_params
from pipeline.stage import run

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = {
    "quality": "How good",
    "crawl": "Crawled",
    "selection": "Chosen",
    "ensemble": "Combined",
    "decomposition": "Why combined",
    "study": "Tried",
    "training": "Learnt",
    "front": "Quick enough",
    "parity": "Parity",
    "behaviour": "Behaviour",
    "lineage": "Lineage",
}

EVIDENCE = {
    "lasso_path": "Weights of the columns as the Lasso's penalty falls",
    "shap_beeswarm": "SHAP values of the columns that move predictions most",
    "shap_dependence": "SHAP value against the value of the column",
    "clusters": "Rank correlation of the columns with each other",
}
"""Plots of single methods, drawn where the method is used."""

STUDY = {
    "audit": "Kendall's tau of each step against the end, with its interval",
    "importance": "Share of the error's variance that each parameter explains",
    "slices": "Value of the complete trials by each parameter",
    "parallel": "The complete trials as lines over their parameters",
    "contour": "Value by the two parameters that mattered most",
    "timeline": "Who ran which trial when",
}
"""Plots of the study, drawn where they say something."""


def main(
    pages: Path,
    prepared: Path,
    bundle: Path,
    ensemble: Path,
    reports: Path,
    out: Path,
    params: Path = PARAMS_FILE,
) -> None:
    """Write the page OUT from the crawl's PAGES, the PREPARED counts and the stages' REPORTS.

    BUNDLE and ENSEMBLE are the folders of the network's and of the ensemble's bundle.
    """
    story = read_story(pages, prepared, bundle, ensemble, reports)
    page = template("report.html").render(
        title=read_params(params).report.title,
        sections=SECTIONS.items(),
        tiles=tiles(story),
        data_uri=lambda name: data_uri(reports / name),
        **story,
    )
    write_text(out, page)


def read_story(pages: Path, prepared: Path, bundle: Path, ensemble: Path, reports: Path) -> dict[str, Any]:
    """All that the page tells, by the names that its template uses."""
    try:
        return _story(pages, prepared, bundle, ensemble, reports)
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"a stage's output lacks {error}: run `dvc repro` to write them all again"
        ) from error


def _story(pages: Path, prepared: Path, bundle: Path, ensemble: Path, reports: Path) -> dict[str, Any]:
    crawl, parse = read_json(pages / "crawl.json"), read_json(reports / "parse.json")
    served = read_json(bundle / "bundle.json")
    return {
        "crawl": crawl,
        "pages": sum(count for statuses in crawl["pages"].values() for count in statuses.values()),
        "parse": parse,
        "fill": sorted(parse["fill"].items(), key=lambda item: (item[1], item[0])),
        "counts": read_json(prepared / "counts.json"),
        "selection": selection_story(reports / "select_features"),
        "ensemble": read_json(reports / "ensemble/metrics.json"),
        "decomposition": decomposition_story(reports / "decompose"),
        "tune": read_json(reports / "tune/metrics.json"),
        "tune_audit": audit_story(reports / "tune"),
        "tune_plots": [
            (name, words) for name, words in STUDY.items() if (reports / f"tune/{name}.svg").exists()
        ],
        "best": read_yaml(reports / "tune/best.yaml"),
        "front": front_story(reports / "prune"),
        "evaluate": evaluate_story(reports / "evaluate"),
        "slicings": sorted(
            path.stem.removeprefix("slices_") for path in (reports / "evaluate").glob("slices_*.svg")
        ),
        "parities": {
            "ensemble": read_json(ensemble / "parity.json"),
            "network": read_json(bundle / "parity.json"),
        },
        "behaviour": read_json(bundle / "behaviour.json"),
        "lineage": served["lineage"],
        "inputs": len(served["inputs"]),
        "unit": served["outputs"][0]["unit"] or "",
    }


def selection_story(folder: Path) -> dict[str, Any]:
    """What select_features wrote: figures, methods with their cost, spare fields, and the plots it drew."""
    story = {name: read_json(folder / f"{name}.json") for name in ("metrics", "methods", "fields", "seconds")}
    stability, costs = story["metrics"]["stability"], story["methods"]["costs"]
    return {
        "kept": story["metrics"]["kept"],
        "decided_by": story["methods"]["decided_by"],
        "methods": [(name, stability[name], story["seconds"][name], cost) for name, cost in costs.items()],
        "not_needed": story["fields"]["not_needed"],
        "needed": len(story["fields"]["needed"]),
        "bake_off": read_json(folder / "bake_off.json") if (folder / "bake_off.json").exists() else None,
        "plots": [(name, words) for name, words in EVIDENCE.items() if (folder / f"{name}.svg").exists()],
    }


def audit_story(folder: Path) -> dict[str, Any]:
    """What tune's fidelity audit found: its steps, how many may prune, and which may not."""
    audit = read_json(folder / "audit.json")
    trusted = [step["trusted"] for step in audit["steps"]]
    places = ", ".join(str(step["step"] + 1) for step in audit["steps"] if not step["trusted"])
    return {**audit, "trusted": sum(trusted), "mistrusted": places}


def decomposition_story(folder: Path) -> dict[str, Any]:
    """What decompose wrote: the learners' parts of the error, the first learner's, and the budget."""
    metrics = read_json(folder / "metrics.json")
    learners = metrics["learners"]
    return {**metrics, "first": next(iter(learners.values())), "budget": read_json(folder / "budget.json")}


def evaluate_story(folder: Path) -> dict[str, Any]:
    """What evaluate wrote; an interval's ends as shares of a large answer, for it is one on the log scale."""
    told = read_json(folder / "metrics.json")
    for one in told["intervals"].values():
        one |= {"least": exp(-one["radius"]), "most": exp(one["radius"])}
    return dict(told)


def front_story(folder: Path) -> dict[str, Any]:
    """What prune wrote: the one that is served, the budget, and every candidate, the quickest first."""
    return {**read_json(folder / "metrics.json"), "rows": read_csv(folder / "front.csv").to_dict("records")}


def tiles(story: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures at the top: what they are and how they are shown."""
    models = story["evaluate"]["models"]
    cases = [case for parity in story["parities"].values() for case in parity["cases"]]
    worst = max(case["max_relative"] for case in cases)
    return [
        ("records", f"{story['parse']['records']:,}"),
        ("columns chosen", str(story["selection"]["kept"])),
        ("RMSLE, ensemble", f"{models['ensemble']['rmsle']['value']:.4f}"),
        ("RMSLE, network", f"{models['network']['rmsle']['value']:.4f}"),
        ("RMSLE, median baseline", f"{models['median']['rmsle']['value']:.4f}"),
        ("graphs against Python", f"{worst:.0e}"),
    ]


def template(name: str) -> Template:
    """A page's template; a name that it is not given is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)


def data_uri(path: Path) -> str:
    """The SVG at `path` as a URI that holds it whole."""
    try:
        return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    except OSError as error:
        raise InputError(f"{path} is not there: run the stage that draws it again") from error


if __name__ == "__main__":
    run(main)
