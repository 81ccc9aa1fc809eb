"""What a record's part of a page says that no field reads."""

from typing import Any

from scrapers.page import Page
from scrapers.spec import PageKind
from scrapers.unread import unread

HTML = """<header>Shop</header><div class=item><h1>Lamp</h1><dl id=a><dt>Power</dt><dd>9 W</dd></dl>
<dl id=b><dt>Power</dt><dd>12 W</dd><dt>Colour</dt><dd>red</dd></dl><script>x</script></div>"""


def left(**fields: dict[str, Any]) -> list[str]:
    typed = {name: {"type": "text"} | field for name, field in fields.items()}
    kind = PageKind.model_validate({"url": "^/", "fields": typed})
    return unread(Page("http://shop.example/", HTML.encode()), kind)


def test_what_no_field_reads() -> None:
    assert left(title={"css": "h1"}, power={"label": "Power"}) == ["Power", "12 W", "Colour", "red"]


def test_a_label_is_read_in_its_own_table() -> None:
    fields = {"title": {"css": "h1"}, "power": {"label": "Power", "within": "#b"}}
    assert left(**fields) == ["Power", "9 W", "Colour", "red"]
    assert left(**fields, first={"label": "Power", "within": "#a"}) == ["Colour", "red"]


def test_rows_with_a_label_within() -> None:
    fields = {
        "power": {"label": "Power", "within": "#b", "type": "text"},
        "title": {"css": "h1", "type": "text"},
    }
    kind = PageKind.model_validate({"url": "^/", "rows": {"css": ".item"}, "fields": fields})
    assert unread(Page("http://shop.example/", HTML.encode()), kind) == ["Power", "9 W", "Colour", "red"]
