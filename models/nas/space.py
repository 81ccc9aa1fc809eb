"""Spaces of architectures: what can be chosen, which choices are the same network, and how one is built."""

import random
from abc import ABC, abstractmethod
from functools import cached_property
from itertools import product
from typing import Any

from torch import nn

from models.errors import SearchError

Architecture = tuple[str, ...]
"""One option a decision, in the space's order."""


class Space(ABC):
    """Architectures of one network of the catalogue.

    ``decisions`` are the options of each choice. Several architectures may be the same network;
    ``canonical`` picks one of them, and methods, tables and budgets count those alone.
    """

    name: str
    network: str
    decisions: tuple[tuple[str, ...], ...]

    @abstractmethod
    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one architecture that stands for all that compute the same."""

    @abstractmethod
    def entries(self, architecture: Architecture) -> dict[str, Any]:
        """Return the entries of the network's config that build the architecture."""

    def encode(self, architecture: Architecture) -> list[float]:
        """Return numbers by which a predictor tells architectures apart: 1 for each option taken, else 0."""
        return [
            float(option == taken)
            for options, taken in zip(self.decisions, architecture, strict=True)
            for option in options
        ]

    def shared(self, config: Any) -> nn.Module:
        """Build one network with every option of every decision; its ``path`` says which are walked.

        Raises SearchError where the space's networks share no weights.
        """
        raise SearchError(
            f"expected a space whose networks share weights, {self.name} is none for {config}; "
            "search it by another method than one_shot"
        )

    @cached_property
    def architectures(self) -> tuple[Architecture, ...]:
        """Every architecture that differs from all others, in the order of the decisions."""
        return tuple(dict.fromkeys(map(self.canonical, product(*self.decisions))))

    def sample(self, rng: random.Random) -> Architecture:
        """Draw one of the different architectures, each as likely."""
        return rng.choice(self.architectures)

    def mutate(self, architecture: Architecture, rng: random.Random) -> Architecture:
        """Change one decision at random until the network is another one."""
        for _ in range(1000):
            at = rng.randrange(len(self.decisions))
            others = [option for option in self.decisions[at] if option != architecture[at]]
            if not others:
                continue
            changed = self.canonical((*architecture[:at], rng.choice(others), *architecture[at + 1 :]))
            if changed != self.canonical(architecture):
                return changed
        return self.sample(rng)
