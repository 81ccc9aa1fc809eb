"""A bundle's model card as Markdown with the YAML header that people know from the Hugging Face hub."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from serving.bundle import Bundle, Input
from serving.card import Card, CardData, CardMetric, CardSlice

HUB_TASKS = {"regression": "tabular-regression", "classification": "tabular-classification"}
"""The hub's names for what a table's model does; other tasks go by their own name."""
ESCAPED = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]|#"} | {"<": "&lt;", "&": "&amp;"})

EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Underscores that would begin or end emphasis; inside a word they do not."""


def card_markdown(bundle: Bundle, card: Card) -> str:
    """The text of model_card.md: `card` with what the bundle says of inputs, answers and lineage."""
    parts = [
        f"---\n{yaml.safe_dump(_header(bundle, card), sort_keys=False, allow_unicode=True)}---",
        f"# {_plain(bundle.name)}, version {bundle.version}",
        _paragraph(bundle.description, card.model),
        *_section("Intended use", _paragraph(card.intended_use)),
        *_section("Data", _list(_data(card.data))),
        *_section("Figures on the test rows", _metrics(card), _meanings(card)),
        *_section("Figures by slice", *_slices(card)),
        *_section("Limits", _list(map(_plain, card.limits))),
        *_section(
            "Inputs", _table(("input", "kind", "unit", "seen in training"), map(_input, bundle.inputs))
        ),
        *_section("Lineage", _list(f"{_plain(name)}: `{digest}`" for name, digest in bundle.lineage.items())),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _header(bundle: Bundle, card: Card) -> dict[str, Any]:
    """What the hub reads: the kind of model, and its figures as a model-index."""
    task = HUB_TASKS.get(bundle.task, bundle.task) if bundle.form is None else bundle.task
    data = card.data.site or card.data.source
    figures = [{"type": metric.name, "value": metric.value} for metric in card.metrics]
    found = {"task": {"type": task}, "dataset": {"name": data, "type": data}, "metrics": figures}
    index = {"model-index": [{"name": bundle.name, "results": [found]}]} if figures else {}
    return {"library_name": "onnx", "pipeline_tag": task, "tags": ["millrace", "onnx"], **index}


def _data(data: CardData) -> Iterator[str]:
    yield f"Source: {_plain(data.source)}"
    if data.site:
        yield f"Site: {_plain(data.site)}"
    if data.records is not None:
        yield f"Records: {data.records:,}"
    if data.rows:
        yield "Rows: " + ", ".join(f"{_plain(part)} {rows:,}" for part, rows in data.rows.items())
    if data.split:
        yield f"Split: {_plain(data.split)}"
    if data.period:
        yield f"Period: {_plain(data.period)}"
    if data.target:
        goal, unit = data.target, f" {_plain(data.target.unit)}" if data.target.unit else ""
        yield (
            f"Target: {_plain(goal.name)}, {_figure(goal.minimum)} to {_figure(goal.maximum)}{unit} in the "
            f"training rows, median {_figure(goal.median)}{unit}"
        )


def _meanings(card: Card) -> str:
    return _list(f"{_plain(name)}: {_plain(text)}" for name, text in card.meanings.items())


def _metrics(card: Card) -> str:
    """The table of figures, beside those of the models to compare with."""
    others = list(dict.fromkeys(name for metric in card.metrics for name in metric.others))
    between = [f"{card.confidence:.0%} interval"] if card.confidence else []
    heads = ["figure", "this model", *between, *(_plain(name) for name in others)]
    return _table(heads, (_metric(metric, others, len(between)) for metric in card.metrics))


def _metric(metric: CardMetric, others: Sequence[str], intervals: int) -> list[str]:
    unit = f" ({_plain(metric.unit)})" if metric.unit else ""
    ends = (
        ""
        if metric.low is None or metric.high is None
        else f"{_figure(metric.low)} to {_figure(metric.high)}"
    )
    beside = [_figure(metric.others[name]) if name in metric.others else "" for name in others]
    return [f"{_plain(metric.name)}{unit}", _figure(metric.value), *[ends] * intervals, *beside]


def _slices(card: Card) -> Iterator[str]:
    """A table a slicing, the largest error first; the worst with rows enough is in bold."""
    for slicing, group in card.slicings().items():
        worst = next((one for one in group if one.rows >= card.few_rows), None)
        yield f"### By {_plain(slicing)}"
        yield _table(["slice", "rows", *map(_plain, group[0].metrics)], (_slice(one, worst) for one in group))
    if card.slices and card.few_rows > 1:
        yield f"Figures of fewer than {card.few_rows} rows say little; the worst of the others is in bold."


def _slice(one: CardSlice, worst: CardSlice | None) -> list[str]:
    cells = [_plain(one.name), f"{one.rows:,}", *(_figure(value, 3) for value in one.metrics.values())]
    return [f"**{cell}**" for cell in cells] if one is worst else cells


def _input(field: Input) -> list[str]:
    seen = ""
    if field.minimum is not None and field.maximum is not None:
        seen = f"{field.minimum:g} to {field.maximum:g}"
    if field.categories is not None:
        seen = "; ".join(map(_plain, field.categories))
    return [_plain(field.name), field.kind, _plain(field.unit or ""), seen]


def _section(title: str, *parts: str) -> list[str]:
    """A heading and its parts; nothing when all are empty."""
    full = [part for part in parts if part]
    return [f"## {title}", *full] if full else []


def _paragraph(*texts: str) -> str:
    return " ".join(_plain(text) for text in texts if text)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; empty without rows."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads), *body]) if body else ""


def _figure(value: float, digits: int = 4) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def _plain(text: str) -> str:
    """Text on one line in which nothing is Markdown or HTML."""
    return EMPHASIS.sub(r"\\_", " ".join(text.translate(ESCAPED).split()))
