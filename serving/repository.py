"""The models under a folder, versions side by side: what loaded, what did not and why."""

import logging
from dataclasses import dataclass
from pathlib import Path

from serving.errors import BundleError, NotFoundError, StartError
from serving.model import Model, load_model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A version that did not load."""

    name: str
    version: int
    reason: str


class Repository:
    """Loaded models by name and version, with the failures beside them."""

    def __init__(self, models: dict[str, dict[int, Model]], failures: list[Failure]) -> None:
        self.models = models
        self.failures = failures

    def get(self, name: str, version: str | None = None) -> Model:
        """The model of that name, the latest version unless one is asked for.

        Raises NotFoundError listing what there is, BundleError for a version that did not load.
        """
        versions = self.models.get(name)
        if version is None and versions:
            return versions[max(versions)]
        for number, model in (versions or {}).items():
            if str(number) == version:
                return model
        failed = [failure for failure in self.failures if failure.name == name]
        for failure in failed:
            if version in (None, str(failure.version)):
                raise BundleError(f"model {name!r} version {failure.version} did not load: {failure.reason}")
        if versions is None:
            raise NotFoundError(f"there is no model {name[:80]!r}, only {', '.join(map(repr, self.models))}")
        raise NotFoundError(f"model {name!r} has no version {str(version)[:40]!r}, only {sorted(versions)}")

    def latest(self) -> list[Model]:
        """The default version of each model, by name."""
        return [versions[max(versions)] for _, versions in sorted(self.models.items())]

    def index(self) -> list[dict[str, str]]:
        """Every version found, with its state (READY or UNAVAILABLE) and the reason when it did not load."""
        loaded = [(name, version, "READY", "") for name, found in self.models.items() for version in found]
        failed = [(each.name, each.version, "UNAVAILABLE", each.reason) for each in self.failures]
        keys = ("name", "version", "state", "reason")
        return [
            dict(zip(keys, (name, str(version), state, reason), strict=True))
            for name, version, state, reason in sorted(loaded + failed)
        ]


def load_repository(folder: Path) -> Repository:
    """Load every `<name>/<version>` under `folder`; a broken one is logged and kept as a failure.

    Versions are folders named by a whole number; others, and names that begin with a dot, are left alone.
    Raises StartError when nothing loads.
    """
    models: dict[str, dict[int, Model]] = {}
    failures: list[Failure] = []
    for path in _version_folders(folder):
        name, version = path.parent.name, int(path.name)
        try:
            models.setdefault(name, {})[version] = load_model(path)
        except BundleError as error:
            reason = str(error).replace(f"{folder}/", "")
            log.warning("%s version %d is not served: %s", name, version, reason)
            failures.append(Failure(name, version, reason))
    models = {name: versions for name, versions in models.items() if versions}
    if not models:
        found = f"{len(failures)} that did not load, first: {failures[0].reason}" if failures else "none"
        raise StartError(
            f"no model to serve: expected {folder}/<name>/<version>/model.onnx, found {found}; "
            "run `make repro`, or name another folder"
        )
    return Repository(models, failures)


def _version_folders(folder: Path) -> list[Path]:
    """The version folders under `folder`, by name and number."""
    found = [
        path
        for path in folder.glob("[!.]*/[1-9]*")
        if path.is_dir() and path.name.isascii() and path.name.isdecimal() and len(path.name) <= 9
    ]
    return sorted(found, key=lambda path: (path.parent.name, int(path.name)))
