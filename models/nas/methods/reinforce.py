"""REINFORCE: an LSTM writes architectures decision by decision and learns from their scores.

Zoph, Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
https://arxiv.org/abs/1611.01578, section 3.2: the policy gradient with an exponential moving average of the
rewards as baseline. Differences: one layer of 32 units, one architecture an update, a small bonus for entropy
(Pham et al. 2018, ENAS), no skip attention, for the decisions of our spaces are few.
"""

from contextlib import suppress

import torch
from torch import Tensor, nn

from models.nas.evaluate import Evaluate
from models.nas.history import BudgetSpentError, History, Ledger
from models.nas.space import Architecture, Space
from models.seeds import seeded


class Controller(nn.Module):
    """A policy over architectures: option after option, each given those before."""

    def __init__(self, options: tuple[int, ...], hidden: int = 32) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(hidden, hidden)
        self.start = nn.Parameter(torch.zeros(1, hidden))
        self.embeddings = nn.ModuleList(nn.Embedding(count, hidden) for count in options)
        self.heads = nn.ModuleList(nn.Linear(hidden, count) for count in options)
        for head in self.heads:
            # Equal chances at first: what is not tried is not learnt.
            nn.init.zeros_(head.weight)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def forward(self, given: list[int] | None = None) -> tuple[list[int], Tensor, Tensor]:
        """Draw the options' numbers, or take those ``given``; returns them, log-probability and entropy."""
        state: tuple[Tensor, Tensor] | None = None
        x_1D: Tensor = self.start
        chosen: list[int] = []
        total, entropy = torch.zeros(()), torch.zeros(())
        for at, (embedding, head) in enumerate(zip(self.embeddings, self.heads, strict=True)):
            state = self.cell(x_1D, state)
            log_O = torch.log_softmax(head(state[0])[0], dim=0)
            option = torch.multinomial(log_O.exp(), 1)[0] if given is None else torch.tensor(given[at])
            chosen.append(int(option))
            total, entropy = total + log_O[option], entropy - (log_O.exp() * log_O).sum()
            x_1D = embedding(option[None])
        return chosen, total, entropy


def policy_loss(log_probability: Tensor, reward: float, baseline: float) -> Tensor:
    """Return the loss whose gradient is REINFORCE's estimate for one architecture."""
    return -(reward - baseline) * log_probability


def search(
    space: Space,
    evaluate: Evaluate,
    budget: int,
    seed: int,
    *,
    lr: float = 0.02,
    decay: float = 0.9,
    entropy_weight: float = 0.01,
) -> History:
    """Learn until the budget is spent; the ranking is the trained policy's log-probability."""
    ledger, pool = Ledger(evaluate, budget), evaluate.candidates()
    with seeded(seed):
        controller = Controller(tuple(map(len, space.decisions)))
        with suppress(BudgetSpentError):
            _learn(space, ledger, controller, set(pool), lr, decay, entropy_weight)
    with torch.no_grad():
        for architecture in pool:
            numbers = [
                options.index(each) for options, each in zip(space.decisions, architecture, strict=True)
            ]
            ledger.history.ranking[architecture] = controller(numbers)[1].item()
    return ledger.history


def _learn(
    space: Space,
    ledger: Ledger,
    controller: Controller,
    allowed: set[Architecture],
    lr: float,
    decay: float,
    entropy_weight: float,
) -> None:
    optimizer = torch.optim.Adam(controller.parameters(), lr=lr)
    baseline: float | None = None
    while True:
        chosen, log_probability, entropy = controller()
        drawn = tuple(options[at] for options, at in zip(space.decisions, chosen, strict=True))
        architecture = space.canonical(drawn)
        if architecture not in allowed:
            ledger.idle()
            continue
        reward = ledger.score(architecture)
        baseline = reward if baseline is None else decay * baseline + (1 - decay) * reward
        loss = policy_loss(log_probability, reward, baseline) - entropy_weight * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
