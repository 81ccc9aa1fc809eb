"""Which versions share a model's requests: a canary answers some, a shadow gets copies and answers nobody.

A YAML file, read again when it changes:

    price:
      canary: {version: 3, share: 0.1}   # a tenth of the requests
      shadow: {version: 4, share: 0.5}   # a copy of every second one

Versions named here are the default for nobody: that is the latest of the others, so that a new version can be
copied into the folder after it was named. A request that names its version gets that one.
"""

from hashlib import blake2b
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from serving.errors import StartError, one_line
from serving.watched import Watched


class Share(BaseModel):
    """A version, and its share of the requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = Field(ge=1)
    share: float = Field(default=1.0, gt=0, le=1)


class Route(BaseModel):
    """The further versions of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    canary: Share | None = None
    shadow: Share | None = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.canary and self.shadow and self.canary.version == self.shadow.version:
            raise ValueError(f"version {self.canary.version} is both canary and shadow: name another")
        return self


class Traffic:
    """The routes of all models, by name."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises StartError, in one line."""
        self._routes = Watched(path, _read, "the traffic")
        self.refresh = self._routes.refresh
        self._owed: dict[str, float] = {}

    @property
    def routes(self) -> dict[str, Route]:
        """The route of each model that has one."""
        return self._routes.value

    def withheld(self) -> dict[str, frozenset[int]]:
        """By model, the versions that are nobody's default."""
        return {
            name: frozenset(each.version for each in (route.canary, route.shadow) if each)
            for name, route in self.routes.items()
        }

    def canary(self, name: str, identity: str) -> int | None:
        """The version that answers the request of this id, where it is not the default; always the same."""
        route = self.routes.get(name)
        if route is None or route.canary is None:
            return None
        place = int.from_bytes(blake2b(f"{name}:{identity}".encode(), digest_size=8).digest())
        return route.canary.version if place < route.canary.share * 2**64 else None

    def shadow(self, name: str) -> int | None:
        """The version that gets a copy of the next request to the default, if its turn has come."""
        route = self.routes.get(name)
        if route is None or route.shadow is None:
            return None
        owed = self._owed.get(name, 0.0) + route.shadow.share
        due = owed >= 1
        self._owed[name] = owed - due
        return route.shadow.version if due else None


def _read(path: Path) -> dict[str, Route]:
    """The routes of a file. Raises StartError naming what is wrong."""
    try:
        document = yaml.safe_load(path.read_text())
        return TypeAdapter(dict[str, Route]).validate_python({} if document is None else document)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise StartError(f"cannot read the traffic: {one_line(error)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise StartError(
            f"{path}: {place}: {first['msg']}; expected NAME: {{canary: {{version: 3, share: 0.1}}}}"
        ) from None
