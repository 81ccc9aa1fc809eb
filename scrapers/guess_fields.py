"""Fields guessed from a few pages of one kind: JSON-LD, label tables, itemprops, headings, classes."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from scrapers import json_data
from scrapers.extract import Scope, way_finder
from scrapers.fields import fold
from scrapers.guess_blocks import first_class
from scrapers.guess_type import field_name, guessed_type
from scrapers.labels import label_table
from scrapers.spec import URL_FIELD
from scrapers.spec_fields import Field, Way
from scrapers.texts import element_text

_LONGEST, _MOST = 300, 100  # characters of a text that is a field, fields of a kind
_SITE_NODES = frozenset(
    {
        "BreadcrumbList",
        "WebSite",
        "WebPage",
        "Organization",
        "ImageObject",
        "SearchAction",
        "Person",
        "Offer",
        "@graph",
    }
)
_AROUND = frozenset(
    {"nav", "header", "footer", "form", "aside", "head", "script", "style", "noscript", "button"}
)
_JSON_NAME = re.compile(r"[A-Za-z_]\w*")
_DEEPEST = 3


@dataclass
class Guess:
    """A field as the spec will say it, and the texts that it finds, one a sample (None: nothing)."""

    name: str
    spec: dict[str, Any]
    texts: list[str | None] = field(default_factory=list)


def guessed_fields(scopes: Sequence[Scope], *, in_rows: bool) -> list[Guess]:
    """The fields that most of the samples have, in the order in which they are looked for.

    What is the same in all samples is left out, unless a label or JSON-LD gives it a meaning; so is what
    another field says already.
    """
    found: dict[str, Guess] = {}
    said: set[tuple[str | None, ...]] = set()
    sources = (
        [_heading, _classed, _plain] if in_rows else [_linked, _heading, _labelled, _itemprops, _classed]
    )
    for source in sources:
        for name, way in source(scopes):
            guess = _tried(name, way, scopes)
            texts = () if guess is None else tuple(fold(text or "") for text in guess.texts)
            if guess is None or texts in said or len(found) >= _MOST:
                continue
            if len(set(texts)) == 1 and len(scopes) > 1 and not {"label", "jsonld"} & set(way):
                continue
            said.add(texts)
            guess.name = _free(guess.name, found)
            found[guess.name] = guess
    return list(found.values())


def _tried(name: str, way: dict[str, Any], scopes: Sequence[Scope]) -> Guess | None:
    """The field with its type, when most samples have it and it is no longer than a field is."""
    spec = Field.model_validate({"type": "text"} | way)
    find = way_finder(Way.model_validate(way), spec)
    texts = [find(scope) for scope in scopes]
    plain = [fold(text) for text in texts if text is not None and fold(text)]
    if len(plain) * 2 < len(scopes) or not plain or max(map(len, plain)) > _LONGEST:
        return None
    kind = {"type": "url"} if way.get("attr") in {"href", "src"} else guessed_type(plain)
    return Guess(name, way | kind, texts)


def _free(name: str, taken: dict[str, Guess]) -> str:
    name = f"{name}_" if name == URL_FIELD else name
    number = next(n for n in range(1, len(taken) + 2) if (name if n == 1 else f"{name}_{n}") not in taken)
    return name if number == 1 else f"{name}_{number}"


def _linked(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The texts and numbers of the node of JSON-LD that most samples have and that says most."""
    graphs = [scope.linked for scope in scopes]
    types = Counter(name for graph in graphs for name in graph if name not in _SITE_NODES)
    shared = [name for name, count in types.items() if count * 2 > len(scopes)]
    if not shared:
        return
    main = max(shared, key=lambda name: sum(len(graph.get(name, {})) for graph in graphs))
    paths = dict.fromkeys(path for graph in graphs for path in _paths(graph.get(main), main, 1))
    for path in paths:
        name = field_name(path.removeprefix(f"{main}.").replace("[0]", ""))
        if name:
            yield name.removeprefix("offers_"), {"jsonld": path}


def _paths(value: Any, path: str, depth: int) -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value, path = value[0], f"{path}[0]"
    if isinstance(value, dict):
        for key, inner in value.items():
            if _JSON_NAME.fullmatch(key) and depth <= _DEEPEST:
                yield from _paths(inner, f"{path}.{key}", depth + 1)
    elif json_data.as_text(value):
        yield path


def _heading(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    for css in ("h1", "h2", "h3"):
        if all(len(scope.index[css]) == 1 for scope in scopes):
            yield "title", {"css": css}
            return


def _labelled(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    labels = dict.fromkeys(label for scope in scopes for label in label_table(scope.element))
    for label in labels:
        name = field_name(label)
        if name and len(label) <= 60:
            yield name, {"label": label}


def _itemprops(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    seen = dict.fromkeys(
        (element.get("itemprop") or "", str(element.tag))
        for scope in scopes
        for element in scope.element.iter(etree.Element)
        if element.get("itemprop") and element.get("itemscope") is None
    )
    for prop, tag in seen:
        if re.fullmatch(r"[A-Za-z][\w-]*", prop):
            attr = {"meta": "content", "time": "datetime", "link": "href", "img": "src", "data": "value"}.get(
                tag
            )
            yield field_name(prop), {"css": f"[itemprop={prop}]"} | ({"attr": attr} if attr else {})


def _classed(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Elements whose class stands once in each sample that has it, with a text of their own."""
    for css, element in _once(scopes).items():
        name = field_name(first_class(element))
        if not name:
            continue
        attr = next(
            (each for each in ("datetime", "content", "value") if element.get(each) and element.tag != "a"),
            None,
        )
        yield name, {"css": css} | ({"attr": attr} if attr else {})


def _once(scopes: Sequence[Scope]) -> dict[str, etree._Element]:
    found: dict[str, etree._Element] = {}
    often: set[str] = set()
    for scope in scopes:
        counts: Counter[str] = Counter()
        for element in scope.index[""]:
            if first_class(element) and not _is_around(element):
                css = f"{element.tag}.{first_class(element)}"
                counts[css] += 1
                if _is_short(element):
                    found.setdefault(css, element)
        often |= {css for css, count in counts.items() if count > 1}
    return {css: element for css, element in found.items() if css not in often}


def _plain(scopes: Sequence[Scope]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of a row without classes: its cells, else its link and what stands in bold or apart."""
    cells = min(len(scope.index["td"]) for scope in scopes)
    heads = [fold(element_text(each)) for each in scopes[0].page.tree.iter("th")]
    for number in range(1, cells + 1):
        name = field_name(heads[number - 1]) if len(heads) == cells else ""
        yield name or f"column_{number}", {"css": f"td:nth-of-type({number})"}
    for tag in ("a", "b", "strong", "em", "time", "small"):
        if all(len(scope.index[tag]) == 1 for scope in scopes):
            yield {"a": "link_text", "time": "time"}.get(tag, tag), {"css": tag}
    if all(scope.index["a"] for scope in scopes):
        yield "link", {"css": "a", "attr": "href"}


def _is_short(element: etree._Element) -> bool:
    """Whether an element holds a text and hardly more: no further blocks."""
    inside = list(element.iterdescendants(etree.Element))
    return len(inside) <= 2 and all(
        each.tag in {"a", "b", "i", "em", "strong", "span", "sup", "br"} for each in inside
    )


def _is_around(element: etree._Element) -> bool:
    return element.tag in _AROUND or any(each.tag in _AROUND for each in element.iterancestors())
