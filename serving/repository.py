"""The models under a folder, versions side by side: what is loaded, what is not and why, what changed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from serving.errors import BundleError, NotFoundError, StartError
from serving.folder import Key, Signature, signature, version_folders
from serving.model import Model, load_model

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A version that did not load."""

    name: str
    version: int
    reason: str


class Repository:
    """Loaded models by name and version, with the failures beside them.

    `models` and `failures` are replaced, never changed, so that who reads them needs no lock; a request keeps
    the model that it began with.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models: dict[str, dict[int, Model]] = {}
        self.failures: list[Failure] = []
        self.generation = 0
        self.withheld: Mapping[str, frozenset[int]] = {}
        """Versions that are their model's default only where there is no other."""
        self._seen: dict[Key, Signature] = {}
        self._unsettled: dict[Key, Signature | None] = {}
        self._unloaded: set[str] = set()
        self._lock = Lock()

    def get(self, name: str, version: str | None = None) -> Model:
        """The model of that name, the latest version unless one is asked for.

        Raises NotFoundError listing what there is, BundleError for a version that did not load.
        """
        versions = self.models.get(name)
        if version is None and versions:
            return versions[self._default(name, versions)]
        for number, model in (versions or {}).items():
            if str(number) == version:
                return model
        failed = [failure for failure in self.failures if failure.name == name]
        for failure in failed:
            if version in (None, str(failure.version)):
                raise BundleError(f"model {name!r} version {failure.version} did not load: {failure.reason}")
        if versions is None:
            known = ", ".join(map(repr, self.models)) or "none at all"
            raise NotFoundError(f"there is no model {name[:80]!r}, only {known}")
        raise NotFoundError(f"model {name!r} has no version {str(version)[:40]!r}, only {sorted(versions)}")

    def latest(self) -> list[Model]:
        """The default version of each model, by name."""
        return [versions[self._default(name, versions)] for name, versions in sorted(self.models.items())]

    def _default(self, name: str, versions: Mapping[int, Model]) -> int:
        """The latest version that is not withheld."""
        held = self.withheld.get(name)
        return max((held and versions.keys() - held) or versions)

    def index(self) -> list[dict[str, str]]:
        """Every version found: READY, or UNAVAILABLE with the reason.

        A READY one has a reason too when its files were changed into something that does not load.
        """
        reasons = {(each.name, each.version): each.reason for each in self.failures}
        ready = {(name, version) for name, found in self.models.items() for version in found}
        return [
            {
                "name": name,
                "version": str(version),
                "state": "READY" if (name, version) in ready else "UNAVAILABLE",
                "reason": reasons.get((name, version), ""),
            }
            for name, version in sorted(ready | reasons.keys())
        ]

    def refresh(self, only: str | None = None, *, settle: bool = True) -> None:
        """Take in what has changed on disk: new and changed versions that load replace, deleted ones go.

        With `settle` a change is taken in only when the files are as they were at the last look, so that
        nothing half copied is loaded and nothing dropped while it is replaced. `only` is a model's name.
        Loading is slow: call it from a thread.
        """
        with self._lock:
            paths = {
                key: path
                for key, path in version_folders(self.folder).items()
                if key[0] not in self._unloaded
            }
            found = {key: signature(path) for key, path in paths.items()}
            changed = {
                key for key in found.keys() | self._seen.keys() if found.get(key) != self._seen.get(key)
            }
            for key in sorted(changed):
                now = found.get(key)
                if only not in (None, key[0]):
                    continue
                if settle and (key not in self._unsettled or self._unsettled[key] != now):
                    self._unsettled[key] = now
                elif now is None:
                    self._drop(key)
                else:
                    self._load(key, paths[key], now)
            self._unsettled = {key: now for key, now in self._unsettled.items() if key in changed}

    def load(self, name: str) -> None:
        """Load what the folder has of `name` now. Raises NotFoundError, BundleError of its latest version."""
        self._unloaded.discard(name)
        self.refresh(name, settle=False)
        newest = max(
            (number for found, number in version_folders(self.folder) if found == name), default=None
        )
        if newest is None:
            raise NotFoundError(f"there is no model {name[:80]!r} in the service's folder")
        for failure in self.failures:
            if (failure.name, failure.version) == (name, newest):
                raise BundleError(f"model {name!r} version {newest} did not load: {failure.reason}")

    def unload(self, name: str) -> None:
        """Serve no version of `name` until it is loaded again. Raises NotFoundError."""
        if name not in self.models:
            raise NotFoundError(f"there is no model {name[:80]!r} to unload")
        self._unloaded.add(name)
        self.refresh(name, settle=False)

    def _load(self, key: Key, path: Path, now: Signature) -> None:
        """Load one version; it takes over at the end, or is noted as a failure and what was served stays."""
        name, version = key
        try:
            model = load_model(path)
        except BundleError as error:
            if signature(path) == now:
                self._seen[key] = now
                self._fail(Failure(name, version, str(error).replace(f"{self.folder}/", "")))
            return
        if signature(path) != now:
            return
        self._seen[key] = now
        versions = {**self.models.get(name, {}), version: model}
        self._replace({**self.models, name: versions}, key)
        log.info("%s version %d is served", name, version)

    def _drop(self, key: Key) -> None:
        """Serve a version no longer that is not there any more."""
        name, version = key
        self._seen.pop(key, None)
        versions = {number: model for number, model in self.models.get(name, {}).items() if number != version}
        others = {other: found for other, found in self.models.items() if other != name}
        self._replace({**others, name: versions} if versions else others, key)
        log.info("%s version %d is gone", name, version)

    def _fail(self, failure: Failure) -> None:
        log.warning("%s version %d is not served: %s", failure.name, failure.version, failure.reason)
        self._replace(self.models, (failure.name, failure.version), failure)

    def _replace(self, models: dict[str, dict[int, Model]], key: Key, *failures: Failure) -> None:
        """Put new models in the place of the old at one stroke, and what is known of `key` beside them."""
        others = [each for each in self.failures if (each.name, each.version) != key]
        self.models = models
        self.failures = sorted([*others, *failures], key=lambda each: (each.name, each.version))
        self.generation += 1


def load_repository(folder: Path) -> Repository:
    """Load every `<name>/<version>` under `folder`; a broken one is logged and kept as a failure.

    Versions are folders named by a whole number; others, and names that begin with a dot, are left alone.
    Raises StartError when nothing loads.
    """
    repository = Repository(folder)
    repository.refresh(settle=False)
    if not repository.models:
        failures = repository.failures
        found = f"{len(failures)} that did not load, first: {failures[0].reason}" if failures else "none"
        raise StartError(
            f"no model to serve: expected {folder}/<name>/<version>/model.onnx, found {found}; "
            "run `make repro`, or name another folder"
        )
    return repository
