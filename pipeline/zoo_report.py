"""Stage report of the zoo: every network's figures in one table, and its pictures, on one offline page."""

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.errors import InputError
from pipeline.files import read_json, write_text
from pipeline.stage import run

TEMPLATES = Path(__file__).parent / "templates"
TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def main(reports: Path, out: Path) -> None:
    """Write the page OUT from the folders of REPORTS, one a network."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    rows = read_rows(reports)
    pictures = {row["network"]: _pictures(reports / row["network"]) for row in rows}
    page = environment.get_template("zoo.html").render(
        rows=[cells(row) for row in rows], heads=HEADS, numbers=NUMBERS, found=rows, pictures=pictures
    )
    write_text(out, page)


HEADS = ("network", "metric", "reached", "published", "on", "data here", "epochs", "seconds", "parameters")
NUMBERS = {"reached", "published", "epochs", "seconds", "parameters"}
"""The columns set flush right."""


def read_rows(reports: Path) -> list[dict[str, Any]]:
    """Every network's row as `evaluate` wrote it, with the seconds of its training, by name."""
    rows = []
    for path in sorted(reports.glob("*/evaluate/metrics.json")):
        seconds = read_json(path.parents[1] / "train/seconds.json")["train"]
        rows.append({**read_json(path), "seconds": seconds})
    if not rows:
        raise InputError(f"{reports} holds no network's metrics: run `dvc repro models/zoo/dvc.yaml`")
    return rows


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """One line of the table, by `HEADS`."""
    published = row["published"]
    name = published["metric"]
    figure = "none" if published["value"] is None else f"{published['value']:g}"
    train = row["data"]["rows"]["train"]
    return (
        row["network"],
        name,
        f"{row['metrics'][name]:.4g}",
        figure,
        f"{published['note']} ({published['source']})",
        f"{row['data']['detail']}; {train:,} rows to train on",
        str(row["epochs"]),
        f"{row['seconds']:,.0f}",
        f"{row['parameters']:,}",
    )


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    rule = tuple("--:" if head in NUMBERS else "---" for head in HEADS)
    lines = [HEADS, rule, *(cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _pictures(folder: Path) -> list[tuple[str, str]]:
    """Each picture of a network's reports: what it shows, and a URI that holds it whole."""
    found = [path for path in sorted(folder.glob("*/*")) if path.suffix in TYPES]
    return [(path.stem.replace("_", " "), _uri(path)) for path in found]


def _uri(path: Path) -> str:
    return f"data:{TYPES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


if __name__ == "__main__":
    run(main)
