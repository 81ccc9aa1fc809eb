"""The selectors by name, as parameters and reports call them."""

from features.selection.base import ScoreSelector
from features.selection.gini import Gini
from features.selection.lasso import Lasso
from features.selection.pearson import Pearson
from features.selection.permutation import Permutation
from features.selection.shapley import Shap

METHODS: dict[str, type[ScoreSelector]] = {
    "pearson": Pearson,
    "lasso": Lasso,
    "gini": Gini,
    "permutation": Permutation,
    "shap": Shap,
}
