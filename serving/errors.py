"""Everything the serving room raises, and the HTTP status each kind is answered with."""


class ServingError(Exception):
    """Root of the room's errors; the message is one line that names the field, file or port at fault."""


class BundleError(ServingError):
    """A bundle on disk is missing, broken or at odds with its graph."""


class StartError(ServingError):
    """The service cannot start: nothing to serve, or the port is taken."""


class InvalidInputError(ServingError):
    """The request cannot be understood or does not fit the model's inputs."""


class NotFoundError(ServingError):
    """No such model, version or route."""


class TooLargeError(ServingError):
    """The request passes a limit on bytes or rows."""


class UnsupportedError(ServingError):
    """The request is well formed but asks for something this service does not do."""


class BusyError(ServingError):
    """More is asked than can be answered soon; the same request may be answered later."""


class DeadlineError(BusyError):
    """The time that a request may wait has passed."""


class UnauthorizedError(ServingError):
    """The request has no key that this service takes."""


class ForbiddenError(ServingError):
    """The request asks for what this service was started without."""


HTTP_STATUS: dict[type[ServingError], int] = {
    InvalidInputError: 400,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    TooLargeError: 413,
    UnsupportedError: 415,
    BusyError: 503,
    BundleError: 503,
    ServingError: 500,
}


def http_status(error: ServingError) -> int:
    """The status of the nearest ancestor of `error` listed in HTTP_STATUS."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def one_line(error: BaseException, limit: int = 500) -> str:
    """The message of `error` on a single line of at most `limit` characters, for logs and answers."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
