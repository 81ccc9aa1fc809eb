"""The recipe of every kind of task."""

from models.catalog import Entry
from models.recipe import Recipe
from models.recipes.adversarial import AdversarialRecipe
from models.recipes.image_classification import ImageClassificationRecipe
from models.recipes.regression import RegressionRecipe
from models.recipes.text_classification import TextClassificationRecipe
from models.recipes.translation import TranslationRecipe
from models.task import Task
from models.tasks.adversarial import Adversarial
from models.tasks.image_classification import ImageClassification
from models.tasks.regression import Regression
from models.tasks.text_classification import TextClassification
from models.tasks.translation import Translation

RECIPES: dict[type[Task], Recipe] = {
    Adversarial: AdversarialRecipe(),
    ImageClassification: ImageClassificationRecipe(),
    Regression: RegressionRecipe(),
    TextClassification: TextClassificationRecipe(),
    Translation: TranslationRecipe(),
}


def recipe_of(entry: Entry) -> Recipe:
    """Return the recipe of a catalogue entry's task."""
    return RECIPES[entry.task]
