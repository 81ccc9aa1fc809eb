"""JSON that a page is or holds: a page of JSON, JSON-LD (https://www.w3.org/TR/json-ld11/), scripts."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lxml import etree

_LINKED = "application/ld+json"
_MAX_STARTS = 200  # brackets of a script that are tried as the beginning of its data
_DECODER = json.JSONDecoder()
_GRAPH = "@graph"


def whole(text: str) -> Any:
    """The JSON that a whole text is; None when it is none."""
    try:
        return json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None


def within_script(text: str) -> Any:
    """The first object or array of JSON in a script: all of it, or what is assigned (`var data = [...];`)."""
    start = -1
    for _ in range(_MAX_STARTS):
        places = [place for mark in "{[" if (place := text.find(mark, start + 1)) >= 0]
        if not places:
            return None
        start = min(places)
        try:
            found, _end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if found:
            return found
    return None


def linked(root: etree._Element) -> dict[str, Any]:
    """The JSON-LD under an element: the first node of each type by the type's name, all under `@graph`.

    Nodes with the same `@id` are one, and `{"@id": ...}` alone stands for the node of that name. A type's
    address before its name (`http://schema.org/Product`) is left out.
    """
    scripts = (
        script for script in root.iter("script") if (script.get("type") or "").strip().lower() == _LINKED
    )
    nodes = _merged(node for script in scripts for node in _nodes(whole(script.text or "")))
    graph: dict[str, Any] = {}
    for node in nodes:
        for name in _types(node):
            graph.setdefault(name, node)
    return graph | {_GRAPH: nodes}


def as_text(value: Any, *, decimal_mark: str = ".") -> str | None:
    """A value as the text of a field: of several the first that is not null; None for null and nothing."""
    if isinstance(value, list):
        return next((text for each in value if (text := as_text(each)) is not None), None)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _written_out(value).replace(".", decimal_mark)
    return json.dumps(value, ensure_ascii=False)


def _written_out(value: float) -> str:
    number = Decimal(repr(value))
    return format(number, "f") if number.is_finite() else repr(value)


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """The nodes of one script: an object, several in an array, or those of its `@graph`."""
    if isinstance(data, list):
        for each in data:
            if not isinstance(each, list):
                yield from _nodes(each)
    elif isinstance(data, dict) and isinstance(data.get(_GRAPH), list):
        yield from (each for each in data[_GRAPH] if isinstance(each, dict))
    elif isinstance(data, dict):
        yield data


def _merged(nodes: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id: dict[str, dict[str, Any]] = {}
    kept = []
    for node in nodes:
        name = node.get("@id")
        if isinstance(name, str) and name in by_id:
            known = by_id[name]
            known.update({key: value for key, value in node.items() if key not in known})
            continue
        if isinstance(name, str):
            by_id[name] = node
        kept.append(node)
    for node in kept:
        for key, value in node.items():
            node[key] = _resolved(value, by_id)
    return kept


def _resolved(value: Any, by_id: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_resolved(each, by_id) if isinstance(each, dict) else each for each in value]
    if isinstance(value, dict) and set(value) == {"@id"} and isinstance(value["@id"], str):
        return by_id.get(value["@id"], value)
    return value


def _types(node: dict[str, Any]) -> list[str]:
    named = node.get("@type")
    several = named if isinstance(named, list) else [named]
    return [
        name.rstrip("/#").replace("#", "/").rpartition("/")[2] for name in several if isinstance(name, str)
    ]
