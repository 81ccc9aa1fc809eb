"""Beam search over any decoder that scores the next token: many texts at once, the same answer each time."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Decoder(Protocol):
    """A decoder with a row of state for each hypothesis; at first one row a text."""

    def step(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Take each row's next token; return log-probabilities (rows, vocabulary) of the one after it."""

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Go on with these rows of state, in this order; a row may be kept several times."""


@dataclass
class _Text:
    """One text's search: tokens and summed scores of what is running, and the best that is done."""

    running: list[list[int]] = field(default_factory=lambda: [[]])
    sums: list[float] = field(default_factory=lambda: [0.0])
    best: list[int] = field(default_factory=list)
    best_worth: float = -np.inf

    def note(self, tokens: list[int], worth: float) -> None:
        """Keep a finished hypothesis if it is the best so far."""
        if worth > self.best_worth:
            self.best, self.best_worth = tokens, worth


def beam_search(
    decoder: Decoder,
    texts: int,
    *,
    beams: int,
    begin: int,
    end: int,
    pad: int,
    max_tokens: int,
    length_penalty: float,
) -> list[list[int]]:
    """Return each text's best tokens, without begin and end.

    A hypothesis of n tokens, its end counted, is worth sum(log-probabilities) / ((5 + n) / 6) **
    `length_penalty` (Wu et al. 2016, arXiv 1609.08144, without the coverage penalty). A text is done when
    none of its running hypotheses can be worth more than its best finished one, or at `max_tokens`.
    """
    found = [_Text() for _ in range(texts)]
    alive = list(range(texts))
    tokens = np.full(texts, begin, dtype=np.int64)
    most = ((5 + max_tokens) / 6) ** length_penalty
    for length in range(1, max_tokens + 1):
        scores = decoder.step(tokens).astype(np.float64)
        scores[:, [begin, pad]] = -np.inf
        penalty = ((5 + length) / 6) ** length_penalty
        rows: list[int] = []
        still: list[int] = []
        at = 0
        for text in alive:
            state = found[text]
            count = len(state.running)
            kept = _grow(state, scores[at : at + count], beams, end, penalty)
            if length == max_tokens:
                for running, total in zip(state.running, state.sums, strict=True):
                    state.note(running, total / penalty)
            elif state.sums and max(state.sums) / most > state.best_worth:
                rows += [at + row for row in kept]
                still.append(text)
            at += count
        alive = still
        if not alive:
            break
        decoder.keep(np.array(rows, dtype=np.int64))
        tokens = np.array([each[-1] for text in alive for each in found[text].running], dtype=np.int64)
    return [state.best for state in found]


def _grow(state: _Text, scores: NDArray[Any], beams: int, end: int, penalty: float) -> list[int]:
    """Put each running hypothesis's best continuations in its place; returns the rows that they come from."""
    totals = scores + np.array(state.sums)[:, None]
    vocabulary = totals.shape[1]
    flat = totals.ravel()
    # As many more as could end, so that `beams` are left to run.
    wanted = min(beams + len(state.sums), flat.size)
    top = np.argpartition(-flat, wanted - 1)[:wanted]
    # Equal totals go by place: the answer must not depend on how they were partitioned.
    top = top[np.lexsort((top, -flat[top]))]
    running: list[list[int]] = []
    sums: list[float] = []
    rows: list[int] = []
    for place in top:
        row, token = divmod(int(place), vocabulary)
        total = float(flat[place])
        if not np.isfinite(total) or len(running) == beams:
            break
        if token == end:
            state.note(state.running[row], total / penalty)
            continue
        running.append([*state.running[row], token])
        sums.append(total)
        rows.append(row)
    state.running, state.sums = running, sums
    return rows
