"""The one error of this room: a table, a column or a target that cannot be used as it is."""


class FeatureError(ValueError):
    """Says in one line what was expected, what came, where, and what to do."""


def shown(value: object) -> str:
    """The value as a message shows it: NumPy's `np.float64(3.5)` is plain 3.5."""
    return repr(value.item() if hasattr(value, "item") else value)
