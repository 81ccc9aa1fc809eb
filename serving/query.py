"""What the query of a prediction's URL asks for: an explanation, and how well it is to be sampled."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from serving.errors import InvalidInputError
from serving.explain import MAX_SAMPLES

_YES, _NO = {"1"}, {"0"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Beside the answer: what each input adds to it, from so many sampled orders."""

    explain: bool = False
    samples: int = 16
    seed: int = 0


NOTHING_MORE = Wanted()


def read_query(query: bytes) -> Wanted:
    """What `?explain=1&samples=16&seed=0` asks for. Raises InvalidInputError for what it cannot mean."""
    if not query:
        return NOTHING_MORE
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    unknown = [key for key in given if key not in {"explain", "samples", "seed"}]
    if unknown:
        raise InvalidInputError(f"unknown query key {unknown[0][:40]!r}, expected explain, samples or seed")
    asked = given.get("explain", "0").lower()
    if asked not in _YES | _NO:
        raise InvalidInputError(f"explain must be 1 or 0, got {asked[:40]!r}")
    samples = _whole(given, "samples", 16)
    if not 1 <= samples <= MAX_SAMPLES:
        raise InvalidInputError(f"samples must be from 1 to {MAX_SAMPLES}, got {samples}")
    return Wanted(asked in _YES, samples, _whole(given, "seed", 0))


def _whole(given: dict[str, str], key: str, default: int) -> int:
    text = given.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInputError(f"{key} must be a whole number, got {text[:40]!r}")
    return int(text)
