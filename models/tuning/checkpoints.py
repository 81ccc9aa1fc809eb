"""A trial's checkpoints as its artifacts, so that it goes on wherever the next worker is.

The trainer writes into a folder of this process alone, which is gone with it. What it has written is copied
into the study's artifact store after the epoch, under the trial; who takes the trial up begins with the copy.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from optuna.artifacts import download_artifact, get_all_artifact_meta, upload_artifact
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.trial import Trial

from models.tuning.artifacts import FileArtifacts, PostgresArtifacts, open_artifacts

LAST = "last.pt"
"""The trainer's file that holds all of a run."""


class Part:
    """The checkpoint of one training of a trial; ``folder`` is the trainer's, None where none are kept."""

    folder: Path | None = None

    def keep(self) -> None:
        """Copy what the trainer has written since the last time."""


class TrialCheckpoints:
    """The checkpoints of a trial; this one keeps none."""

    def part(self, name: str) -> Part:  # noqa: ARG002  others tell their parts apart
        """Return the training of that name, as far as it had come anywhere."""
        return Part()

    def drop(self) -> None:
        """Remove them all: the trial has ended."""


@contextmanager
def trial_checkpoints(trial: Trial, where: str | Path | None) -> Iterator[TrialCheckpoints]:
    """Keep the trial's checkpoints at ``where``, see ``open_artifacts``, or nowhere."""
    if where is None:
        yield TrialCheckpoints()
        return
    with TemporaryDirectory(prefix="millrace-trial-") as scratch:
        yield _Kept(trial, where, Path(scratch))


class _Kept(TrialCheckpoints):
    def __init__(self, trial: Trial, where: str | Path, scratch: Path) -> None:
        self._trial, self._where, self._scratch = trial, where, scratch

    @cached_property
    def store(self) -> FileArtifacts | PostgresArtifacts:
        """Opened when it is first needed: a trial of a few seconds needs none."""
        return open_artifacts(self._where)

    def part(self, name: str) -> Part:
        folder = self._scratch / name
        folder.mkdir(exist_ok=True)
        known = self._known().get(f"{name}.pt")
        if known is not None:
            with suppress(ArtifactNotFound):  # a kill came between its name and its content
                (folder / LAST).unlink(missing_ok=True)
                download_artifact(artifact_store=self.store, artifact_id=known, file_path=str(folder / LAST))
        return _KeptPart(self, folder, known)

    def drop(self) -> None:
        for artifact in self._known().values():
            with suppress(ArtifactNotFound):
                self.store.remove(artifact)

    def first(self, folder: Path) -> str:
        """Put a part's first checkpoint among the trial's artifacts; returns its id."""
        named = self._scratch / f"{folder.name}.pt"
        shutil.copyfile(folder / LAST, named)
        try:
            artifact: str = upload_artifact(
                artifact_store=self.store, file_path=str(named), study_or_trial=self._trial
            )
        finally:
            named.unlink()
        return artifact

    def _known(self) -> dict[str, str]:
        """Ids by file name."""
        return {about.filename: about.artifact_id for about in get_all_artifact_meta(self._trial)}


class _KeptPart(Part):
    def __init__(self, trial: _Kept, folder: Path, artifact: str | None) -> None:
        self.folder: Path = folder
        self._trial, self._artifact = trial, artifact
        self._kept = self._written()

    def keep(self) -> None:
        written = self._written()
        if written in (None, self._kept):
            return
        if self._artifact is None:
            self._artifact = self._trial.first(self.folder)
        else:
            # Under the same id, of which the store keeps one whole content: a trial cannot forget an id.
            with (self.folder / LAST).open("rb") as file:
                self._trial.store.write(self._artifact, file)
        self._kept = written

    def _written(self) -> tuple[int, int] | None:
        """What changes when the trainer replaces its file."""
        try:
            about = (self.folder / LAST).stat()
        except FileNotFoundError:
            return None
        return about.st_ino, about.st_mtime_ns
