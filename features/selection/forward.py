"""Forward search: starts from nothing and enters the column that helps the model most (Whitney 1971).

It sees what a column adds to those already in, so that of twins one enters and the other waits. It never
takes an entry back, and misses columns that help only together: floating search is for that.
"""

from features.selection.search import Score, Search, search_forward
from features.selection.stepwise import Stepwise


class Forward(Stepwise):
    """Keeps the columns that entered first."""

    cost = "d^2 / 2 subsets x 3 folds at most, each O(k^3) by bent lines; early stop"

    def _search(self, score: Score, columns: int) -> Search:
        return search_forward(score, columns, tolerance=self.tolerance, patience=self.patience)
