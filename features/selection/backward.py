"""Backward search: starts from all columns, drops the one that the model misses least (Marill, Green 1963).

It sees every column beside all others, and so finds those that help only together; for that it begins with
the largest subsets, which are the dearest to judge and the easiest to overfit.
"""

from features.selection.search import Score, Search, search_backward
from features.selection.stepwise import Stepwise


class Backward(Stepwise):
    """Keeps the columns that were dropped last."""

    cost = "d^2 / 2 subsets x 3 folds at most, each O(k^3) by bent lines; early stop"

    def _search(self, score: Score, columns: int) -> Search:
        return search_backward(score, columns, tolerance=self.tolerance, patience=self.patience)
