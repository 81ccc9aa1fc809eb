"""Beam search against every hypothesis there is, on a decoder whose scores depend on all tokens so far."""

from itertools import product
from math import log

import numpy as np
import pytest

from serving.beam_search import beam_search

PAD, BEGIN, END = 0, 1, 2
WORDS = (3, 4, 5)


def scores(text: int, tokens: tuple[int, ...]) -> np.ndarray:
    """Log-probabilities after `tokens`, by chance but always the same."""
    logits = np.random.default_rng([text, *tokens]).normal(size=6) * 2
    logits[[PAD, BEGIN]] = -np.inf
    return logits - log(np.exp(logits).sum())


class Chance:
    """A decoder that keeps each row's tokens; they are all its state."""

    def __init__(self, texts: int) -> None:
        self.rows: list[tuple[int, tuple[int, ...]]] = [(text, ()) for text in range(texts)]

    def step(self, tokens):
        self.rows = [
            (text, (*past, int(token))) for (text, past), token in zip(self.rows, tokens, strict=True)
        ]
        return np.stack([scores(text, past) for text, past in self.rows]).astype(np.float32)

    def keep(self, rows):
        self.rows = [self.rows[row] for row in rows]


def search(texts: int, **options):
    settings = {"beams": 4, "max_tokens": 4, "length_penalty": 0.6}
    return beam_search(Chance(texts), texts, begin=BEGIN, end=END, pad=PAD, **{**settings, **options})


def best(text: int, max_tokens: int, penalty: float) -> list[int]:
    """The best of all hypotheses that end, or are as long as they may be."""
    found = []
    for length in range(1, max_tokens + 1):
        for words in product(WORDS, repeat=length):
            for tokens in {words, (*words[:-1], END)}:
                if END not in tokens and length < max_tokens:
                    continue
                total = sum(scores(text, (BEGIN, *tokens[:at]))[token] for at, token in enumerate(tokens))
                worth = total / ((5 + length) / 6) ** penalty
                found.append((worth, [token for token in tokens if token != END]))
    return max(found)[1]


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
def test_with_beams_for_all_it_finds_the_best_there_is(penalty):
    found = search(6, beams=200, length_penalty=penalty)
    assert found == [best(text, 4, penalty) for text in range(6)]


def test_one_beam_is_greedy():
    for text, found in enumerate(search(5, beams=1, max_tokens=6)):
        tokens: list[int] = []
        while len(tokens) < 6 and (token := int(scores(text, (BEGIN, *tokens)).argmax())) != END:
            tokens.append(token)
        # One beam may go on past an end that was the best token: greedy's answer is then a finished one.
        assert found[: len(tokens)] == tokens


def test_texts_do_not_touch_each_other():
    together = search(8)
    assert together[:3] == search(3)
