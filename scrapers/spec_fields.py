"""The part of a site spec that says where texts stand and how they are read: links, rows and fields."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as PydanticField

from scrapers.css import compile_css
from scrapers.spec_texts import Css, JsonPath, Regex, XPath

Locale = Literal[
    "en", "de", "de-CH", "da", "es", "fi", "fr", "id", "it", "nb", "nl", "pl", "pt", "ru", "sv", "tr"
]
FieldType = Literal["money", "number", "area", "date", "category", "text", "flag", "url"]


class Strict(BaseModel):
    """Frozen; unknown keys are refused and the known ones named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known] if isinstance(data, dict) else []
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}, expected some of {', '.join(known)}")
        return data


def key_name(name: str) -> str:
    """The key in the spec of a way to find something; pydantic has a use of its own for `json`."""
    return name.removesuffix("_path")


class Selector(Strict):
    """One CSS selector or one XPath expression."""

    ways: ClassVar[tuple[str, ...]] = ("css", "xpath")
    css: Css | None = None
    xpath: XPath | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        ways = [name for name in self.ways if getattr(self, name) is not None]
        if len(ways) != 1:
            names = [key_name(name) for name in self.ways]
            known = f"{', '.join(names[:-1])} or {names[-1]}"
            raise ValueError(f"expected exactly one of {known}, got {' and '.join(ways) or 'none'}")
        return self

    def __str__(self) -> str:
        way = next(name for name in self.ways if getattr(self, name) is not None)
        return f"{key_name(way)} {getattr(self, way)!r}"


class Follow(Selector):
    """Links to take from a page.

    css and xpath find elements with an href, xpath also texts; `json` is a JMESPath into a page of JSON;
    `sitemap: true` takes every page and sitemap that an XML sitemap names (also a packed one). `into` is a
    URL whose `{}` is filled with each text found ("/api/homes?cursor={}"). `next_page` is the query key of a
    page number: the next one is asked for as long as a page leads to something new.
    """

    ways: ClassVar[tuple[str, ...]] = ("css", "xpath", "json_path", "sitemap", "next_page")
    json_path: JsonPath | None = PydanticField(None, alias="json")
    sitemap: Literal[True] | None = None
    next_page: str | None = None
    into: str | None = None

    @model_validator(mode="after")
    def _into_is_a_template(self) -> Self:
        if self.into is not None and (self.into.count("{}") != 1 or self.sitemap or self.next_page):
            raise ValueError(
                f"into: expected a URL with one {{}} beside css, xpath or json, got {self.into!r}"
            )
        return self


class Way(Selector):
    """One way to find a field's text.

    `label` is the exact label of a label/value pair (dt/dd, or th/td of a table row), `within` the CSS of
    what holds its table, where several have the label. `json` is a JMESPath into a page of JSON, or into the
    data of the script element that `script` (CSS) finds; `jsonld` one into the page's JSON-LD, whose nodes
    stand by their types (`Product.offers.price`). `in_url` is a pattern of the page's path?query. `attr`
    reads an attribute of the element found instead of its text.
    """

    ways: ClassVar[tuple[str, ...]] = ("css", "xpath", "label", "json_path", "jsonld", "in_url")
    label: str | None = None
    within: Css | None = None
    json_path: JsonPath | None = PydanticField(None, alias="json")
    jsonld: JsonPath | None = None
    script: Css | None = None
    in_url: Regex | None = None
    attr: str | None = None

    @model_validator(mode="after")
    def _within_suits_label(self) -> Self:
        if self.within is not None and self.label is None:
            raise ValueError("within is for label: css and xpath say themselves where to look")
        if self.within is not None and compile_css(self.within) is None:
            raise ValueError(
                f"within: expected a plain CSS selector (names, ids, classes), got {self.within!r}"
            )
        return self

    @model_validator(mode="after")
    def _script_suits_json(self) -> Self:
        if self.script is not None and self.json_path is None:
            raise ValueError("script is for json: it names the script element that holds the data")
        return self


class Rows(Selector):
    """What holds a record each: elements, or the objects of an array of JSON (see Way)."""

    ways: ClassVar[tuple[str, ...]] = ("css", "xpath", "json_path", "jsonld")
    json_path: JsonPath | None = PydanticField(None, alias="json")
    jsonld: JsonPath | None = None
    script: Css | None = None

    @property
    def are_data(self) -> bool:
        """Whether a row is an object of JSON, not an element."""
        return self.json_path is not None or self.jsonld is not None


class Field(Way):
    """Where a field stands on its page and how its text is read.

    `first_of` are several ways, of which the first that finds a text counts. `pattern` is searched in that
    text: its first group (else the whole match) is the value. `locale` is the language in whose manner
    numbers are written (`de`: 1.234,50; without it as in English). `levels` are a category's allowed values
    from worst to best, `values` the same without an order. In a kind with `rows`, every way looks inside the
    row; css `:scope` is the row itself. `min_fill` is the least share of records, 0 to 1, that have a value.
    """

    ways: ClassVar[tuple[str, ...]] = (*Way.ways, "first_of")
    first_of: tuple[Way, ...] | None = None
    type: FieldType
    unit: str | None = None
    locale: Locale | None = None
    pattern: Regex | None = None
    required: bool = False
    min_fill: Annotated[float, PydanticField(ge=0, le=1)] | None = None
    levels: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _levels_suit_type(self) -> Self:
        if (self.levels or self.values) and self.type != "category":
            raise ValueError(f"levels and values are for type category, not {self.type}")
        if self.levels and self.values:
            raise ValueError("expected levels (ordered) or values (unordered), got both")
        if len(set(self.allowed)) != len(self.allowed):
            raise ValueError("levels and values must not repeat")
        if self.locale is not None and self.type not in {"money", "number", "area"}:
            raise ValueError(f"locale is for money, numbers and areas, not {self.type}")
        return self

    @model_validator(mode="after")
    def _first_of_some(self) -> Self:
        if self.first_of is not None and not self.first_of:
            raise ValueError("first_of: expected one way or more, got none")
        return self

    @property
    def allowed(self) -> tuple[str, ...]:
        """The values a category may take; empty when any may come."""
        return self.levels or self.values

    @property
    def each_way(self) -> tuple[Way, ...]:
        """The ways to find it, in the order in which they are tried."""
        return self.first_of or (self,)

    def __str__(self) -> str:
        return ", else ".join(str(way) for way in self.first_of) if self.first_of else super().__str__()
