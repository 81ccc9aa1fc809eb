"""The selectors by name, as parameters and reports call them."""

from features.selection.anova import Anova
from features.selection.backward import Backward
from features.selection.base import ScoreSelector
from features.selection.boruta import Boruta
from features.selection.elimination import Elimination
from features.selection.floating import Floating
from features.selection.forward import Forward
from features.selection.gini import Gini
from features.selection.grouped_permutation import GroupedPermutation
from features.selection.lasso import Lasso
from features.selection.mutual_information import MutualInformation
from features.selection.pearson import Pearson
from features.selection.permutation import Permutation
from features.selection.shapley import Shap
from features.selection.spearman import Spearman

METHODS: dict[str, type[ScoreSelector]] = {
    "pearson": Pearson,
    "spearman": Spearman,
    "mutual_information": MutualInformation,
    "anova": Anova,
    "lasso": Lasso,
    "gini": Gini,
    "permutation": Permutation,
    "grouped_permutation": GroupedPermutation,
    "shap": Shap,
    "boruta": Boruta,
    "forward": Forward,
    "backward": Backward,
    "floating": Floating,
    "elimination": Elimination,
}
