"""CSS over BeautifulSoup's tree: what can match a selector is looked up in an index, not searched for."""

from bs4 import BeautifulSoup, Tag
from soupsieve import SoupSieve
from soupsieve.css_types import Selector

Index = dict[str, list[Tag]]
_ALL = ""


def index_of(soup: BeautifulSoup) -> Index:
    """The tags of a tree in document order by `#id`, `.class` and name; all of them under an empty text."""
    index: Index = {_ALL: soup.find_all(True)}
    for tag in index[_ALL]:
        classes = tag.get("class") or ()
        entries = {f".{name}" for name in (classes.split() if isinstance(classes, str) else classes)}
        for entry in (*entries, f"#{tag.get('id')}", tag.name.lower()):
            index.setdefault(entry, []).append(tag)
    return index


def required(compiled: SoupSieve) -> str:
    """The entry with all that the selector can match: by an id, class or name it asks of the element."""
    alternatives = list(compiled.selectors)
    asked = alternatives[0]
    if len(alternatives) != 1 or not isinstance(asked, Selector):
        return _ALL
    if asked.ids:
        return f"#{asked.ids[0]}"
    if asked.classes:
        return f".{asked.classes[0]}"
    return asked.tag.name.lower() if asked.tag and asked.tag.name not in {None, "", "*"} else _ALL


def first_match(compiled: SoupSieve, entry: str, index: Index) -> Tag | None:
    """The first tag that the selector matches, as soupsieve's select_one on the whole tree."""
    return next((tag for tag in index.get(entry, ()) if compiled.match(tag)), None)
