"""A multipart/form-data body (RFC 7578) as records: each part is one record with one field."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser, parse_options_header

from serving.errors import InvalidInputError, TooLargeError

MAX_PARTS = 1024


def is_multipart(content_type: str) -> bool:
    """Whether a Content-Type header announces a form with parts."""
    return content_type.lower().startswith("multipart/form-data")


def read_parts(body: bytes, content_type: str) -> list[dict[str, bytes]]:
    """`{name: content}` of each part, files and plain fields alike, in the body's order.

    Raises InvalidInputError for a body that is not whole, TooLargeError for too many parts.
    """
    parts: list[dict[str, bytes]] = []

    def note(name: bytes | None, content: bytes) -> None:
        if len(parts) == MAX_PARTS:
            raise TooLargeError(f"more than {MAX_PARTS} parts, at most {MAX_PARTS} in one request")
        parts.append({(name or b"").decode("utf-8", "replace"): content})

    def file(part: File) -> None:
        part.file_object.seek(0)
        note(part.field_name, part.file_object.read())
        part.close()

    def field(part: Field) -> None:
        note(part.field_name, part.value or b"")

    kind, options = parse_options_header(content_type)
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True

    try:
        # Everything is in memory already: no part is to go through a file on disk.
        parser = FormParser(
            kind.decode("latin-1"), field, file, on_end=end, boundary=options.get(b"boundary"),
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1},
        )  # fmt: skip
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise InvalidInputError(f"the body is no multipart/form-data: {str(error)[:200]}") from None
    if not ended:
        raise InvalidInputError("the body is no multipart/form-data: it ends before its last boundary")
    return parts
