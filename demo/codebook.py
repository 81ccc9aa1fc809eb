"""What each column of the sales means and how the site words it: reads codebook.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

Kind = Literal["text", "plain", "count", "money", "category"]
_FILE = Path(__file__).with_name("codebook.yaml")


@dataclass(frozen=True)
class Field:
    """One column: its name in records, its column in the source, and how a page shows its values."""

    name: str
    source: str
    label: str
    section: str
    kind: Kind
    unit: str = ""
    words: Mapping[str, str] = field(default_factory=dict)

    def shown(self, code: str) -> str | None:
        """The text of a page for a source cell; None for a blank one, which pages leave out.

        Raises KeyError for a code that the codebook has no word for.
        """
        if not code:
            return None
        match self.kind:
            case "category":
                return self.words[code]
            case "money":
                return f"${int(code):,}"
            case "count":
                unit = self.unit.removesuffix("s") if code == "1" else self.unit
                return f"{int(code):,} {unit}"
        return code


@cache
def codebook() -> dict[str, Field]:
    """Every field by its name, in the order in which pages show them."""
    entries = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: Field(name=name, **entry) for name, entry in entries.items()}
