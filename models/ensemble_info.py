"""What a saved ensemble says about itself, beside AutoGluon's own files."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class EnsembleInfo:
    """What a saved ensemble must say about itself: its input columns, and what its answers are.

    Of numbers: whether it learnt log(1 + y). Of classes: their names, in order, and the temperature that puts
    their probabilities right.
    """

    columns: tuple[str, ...]
    log_target: bool = False
    problem: str = "regression"
    classes: tuple[str, ...] = ()
    temperature: float = 1.0

    def write(self, folder: Path) -> None:
        """Write ``ensemble.json`` under ``folder``."""
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / "ensemble.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "EnsembleInfo":
        """Read what ``write`` wrote."""
        about: dict[str, Any] = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
        about |= {name: tuple(about[name]) for name in ("columns", "classes")}
        return cls(**about)
