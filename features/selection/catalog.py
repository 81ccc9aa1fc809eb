"""The selectors by name, as parameters and reports call them."""

from collections.abc import Sequence

from features.errors import FeatureError
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
from features.target import TargetKind

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


def make_selectors(
    methods: Sequence[str], keep: int | float, *, target: TargetKind, seed: int
) -> dict[str, ScoreSelector]:
    """Unfitted selectors of `methods`, names in METHODS. Raises FeatureError for another, or for none."""
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        came = repr(unknown[0]) if unknown else "an empty list"
        raise FeatureError(f"expected selection methods among {', '.join(METHODS)}, got {came}")
    return {name: METHODS[name](keep, target=target, random_state=seed) for name in methods}
