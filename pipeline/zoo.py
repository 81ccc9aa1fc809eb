"""What the zoo's stages and commands share: a network's parameters, data, recipe and learner together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.catalog import Entry, entry
from models.data.data import Data
from models.data.load import load_data
from models.recipe import Learner, Recipe, load_learner
from models.recipes.catalog import recipe_of
from pipeline.zoo_params import ZOO_PARAMS_FILE, DataParams, NetworkParams, network_params, read_zoo


@dataclass(frozen=True)
class Work:
    """One network of the zoo, ready to be trained, judged or exported."""

    name: str
    entry: Entry
    recipe: Recipe
    params: NetworkParams
    data: Data

    def load(self, folder: Path) -> Learner:
        """The trained learner in `folder`."""
        return load_learner(folder, self.entry, self.recipe)


def work_on(
    name: str,
    params: Path = ZOO_PARAMS_FILE,
    *,
    source: DataParams | None = None,
    overrides: dict[str, Any] | None = None,
) -> Work:
    """Read the parameters of `name` and load its data; `source` goes before the file's own.

    Raises ParamsError, CatalogError or DataError.
    """
    wanted = source or read_zoo(params)[0]
    chosen = entry(name)
    block = network_params(name, wanted.source, params, overrides)
    folder = Path(wanted.folder) if wanted.folder else None
    data = load_data(chosen.data, source=wanted.source, folder=folder, seed=block.training.seed)
    return Work(name, chosen, recipe_of(chosen), block, data)
