"""Texts in, texts out: the encoder once, a step of the decoder a token, by beam search over a cache."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.beam_search import beam_search
from serving.bundle import TranslationForm
from serving.forms.fields import MAX_RECORDS, Infer, read_texts
from serving.forms.text import load_tokenizer, padded, token_rows
from serving.infer_request import Arrays


class TranslationReader:
    """Translates the texts of one model; `step` is the session of its decoder's graph."""

    def __init__(self, form: TranslationForm, folder: Path, step: Any) -> None:
        self.form, self.step = form, step
        self.tokenizer = load_tokenizer(folder / form.tokenizer)

    def answer(self, document: object, infer: Infer, *, max_rows: int) -> list[dict[str, Any]]:
        """One object a text."""
        form = self.form
        texts = read_texts(document, form.field, max_rows=min(max_rows, MAX_RECORDS["translation"]))
        tokens, lengths = padded(token_rows(self.tokenizer, texts, form.max_tokens), form.pad)
        memory = infer({"tokens": tokens, "lengths": lengths})
        decoder = GraphDecoder(self.step, form, {name: memory[name] for name in form.memory}, lengths)
        found = beam_search(
            decoder, len(texts), beams=form.beams, begin=form.begin, end=form.end, pad=form.pad,
            max_tokens=form.max_tokens, length_penalty=form.length_penalty,
        )  # fmt: skip
        return [{form.output: self.tokenizer.decode(row)} for row in found]


class GraphDecoder:
    """The step's graph as beam search asks it."""

    def __init__(self, step: Any, form: TranslationForm, memory: Arrays, lengths: NDArray[np.int64]) -> None:
        self.step_graph, self.form = step, form
        layers, heads, width = form.cache_shape
        empty = np.zeros((len(lengths), layers, heads, 0, width), dtype=np.float32)
        self.state: dict[str, NDArray[Any]] = {
            **memory, "lengths": lengths, **dict.fromkeys(form.cache, empty)
        }  # fmt: skip

    def step(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Take each row's next token; return the scores of the one after it."""
        wanted = ["scores", *(f"next_{name}" for name in self.form.cache)]
        scores, *caches = self.step_graph.run(wanted, {**self.state, "token": tokens[:, None]})
        self.state.update(zip(self.form.cache, caches, strict=True))
        return np.asarray(scores, dtype=np.float32)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Go on with these rows."""
        self.state = {name: array[rows] for name, array in self.state.items()}
