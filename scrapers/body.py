"""A response's body as it came over the wire, decoded within a size limit."""

import zlib

_WINDOW_BITS = {
    "gzip": (31,),
    "x-gzip": (31,),
    "deflate": (15, -15),
}  # deflate comes with or without zlib's header
ACCEPT_ENCODING = "gzip, deflate"
MAX_RATIO, ALWAYS_BYTES = 200, 2**20  # HTML packs 5 to 50 times; what packs more and is large is a bomb


class TooLargeError(ValueError):
    """A body larger than what is taken in."""


def decode(body: bytes, content_encoding: str, *, max_bytes: int) -> bytes:
    """Undo the Content-Encoding (gzip and deflate, also one over the other).

    Raises TooLargeError over `max_bytes` when decoded, or over 1 MiB and MAX_RATIO times its own size;
    ValueError: an unknown encoding, a body cut short or broken.
    """
    max_bytes = min(max_bytes, max(ALWAYS_BYTES, MAX_RATIO * len(body)))
    for name in reversed([part.strip().lower() for part in content_encoding.split(",")]):
        if name in {"", "identity"} or not body:
            continue
        if name not in _WINDOW_BITS:
            raise ValueError(f"expected Content-Encoding {ACCEPT_ENCODING}, got {name!r}")
        body = _inflate(body, name, max_bytes)
    return body


def _inflate(body: bytes, name: str, max_bytes: int) -> bytes:
    problem = ""
    for bits in _WINDOW_BITS[name]:
        inflater = zlib.decompressobj(bits)
        try:
            plain = inflater.decompress(body, max_bytes + 1)
        except zlib.error as error:
            problem = str(error)
            continue
        if len(plain) > max_bytes:
            raise TooLargeError(f"body over {max_bytes:,} bytes when decoded")
        if not inflater.eof:
            raise ValueError(f"{name} body cut short")
        return plain
    raise ValueError(f"broken {name} body: {problem}")
