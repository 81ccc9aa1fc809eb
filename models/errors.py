"""Errors of the models room: one root, so that a caller catches what this room can say."""


class ModelError(Exception):
    """Root of every error that this room raises on purpose; the message is one line."""


class TrainingError(ModelError):
    """Training cannot go on: a loss that is not finite, a metric that is missing, no data."""


class CatalogError(ModelError):
    """No network of that name, or a config that does not fit it."""


class CheckpointError(ModelError):
    """A checkpoint cannot be read."""


class StudyError(ModelError):
    """A study cannot give a result: every trial failed, or its objective returned no number."""


class ExportError(ModelError):
    """A network or encoder cannot be written as one ONNX graph."""


class ParityError(ModelError):
    """The ONNX graph answers otherwise than the Python path."""


class BehaviourError(ModelError):
    """A model behaves otherwise than a test of its behaviour expects, or cannot be tested so."""


class EnsembleError(ModelError):
    """The ensemble cannot be fitted, read or asked as was wanted."""


class DataError(ModelError):
    """A set of data is not where it was looked for, or not in a form that can be read."""


class SearchError(ModelError):
    """A search for architectures cannot go on: budget, space, method and table do not fit each other."""
