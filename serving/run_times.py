"""How long a model's runs take, by their number of rows: what decides where the next one runs."""

WEIGHT = 0.2


class RunTimes:
    """Running means of seconds a run, one for each power of two of rows."""

    def __init__(self) -> None:
        self._means: dict[int, float] = {}

    def note(self, rows: int, seconds: float) -> None:
        """Take in one run; a single slow one moves a mean by a fifth."""
        size = rows.bit_length()
        mean = self._means.get(size)
        self._means[size] = seconds if mean is None else mean + WEIGHT * (seconds - mean)

    def expected_s(self, rows: int) -> float | None:
        """Seconds that a run of `rows` takes; of sizes not seen, as if each row cost what it costs in the
        nearest smaller run seen. None before any run of so few rows.
        """
        size = rows.bit_length()
        for known in range(size, 0, -1):
            mean = self._means.get(known)
            if mean is not None:
                return float(mean * 2 ** (size - known))
        return None
