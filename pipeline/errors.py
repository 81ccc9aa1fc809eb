"""Errors of the chain: a file, a parameter or a gate that stops a stage."""


class PipelineError(Exception):
    """Root of this room's errors; the message is one line that says what to do."""


class ParamsError(PipelineError):
    """`params.yaml` is absent, is not YAML, or holds a key or value that a stage does not take."""


class ServiceError(PipelineError):
    """A running service cannot be asked, or answers otherwise than its contract says."""


class InputError(PipelineError):
    """A file that an earlier stage writes is absent or unreadable."""
