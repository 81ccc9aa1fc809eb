"""Floating search: forward, and after each entry back as long as that pays (Pudil, Novovicova, Kittler 1994).

A column that entered early and came to be superfluous beside later ones is dropped again. A column scores by
how many sizes it is in the best subset of.
"""

from features.selection.search import Score, Search, search_forward
from features.selection.stepwise import Stepwise


class Floating(Stepwise):
    """Keeps the columns that are in the best subsets of most sizes."""

    cost = "about d^2 subsets x 3 folds, each O(k^3) by bent lines; no bound known; early stop"

    def _search(self, score: Score, columns: int) -> Search:
        return search_forward(score, columns, tolerance=self.tolerance, patience=self.patience, floating=True)
