"""The recipe of every kind of task."""

from models.catalog import CATALOG, Entry
from models.recipe import Recipe
from models.task import Task

RECIPES: dict[type[Task], Recipe] = {}


def recipe_of(entry: Entry) -> Recipe:
    """Return the recipe of a catalogue entry's task."""
    return RECIPES[entry.task]


def names() -> list[str]:
    """Return the names of all networks of the catalogue."""
    return list(CATALOG)
