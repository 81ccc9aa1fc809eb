"""Recipe of classifiers of texts: whole words, padded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalog import Entry
from models.data.data import Data, Part
from models.data.sequences import SequenceBatches
from models.data.tokens import PAD, fit_words, read_tokenizer, tokenize, tokenizer_bytes
from models.errors import CatalogError
from models.export.network import network_graph
from models.export.tensors import check_tensors
from models.recipe import Export, Learner, Recipe, build_config
from models.seeds import seeded
from models.tasks.text_classification import TextClassification
from serving.bundle import Input, Output, TextForm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOKENIZER = "tokenizer.json"


class TextClassificationRecipe(Recipe):
    """Columns ``text`` and ``label``. Options: ``tokens`` (the vocabulary) and ``max_tokens`` of a text."""

    def learner(
        self,
        name: str,
        entry: Entry,
        data: Data,
        *,
        network: Mapping[str, Any],
        options: Mapping[str, Any],
        seed: int,
    ) -> Learner:
        """Take the vocabulary from the training texts; build the network for it and the classes."""
        tokenizer = fit_words(_texts(data.train), options["tokens"])
        shape = {"vocabulary": tokenizer.get_vocab_size(), "classes": len(data.labels)}
        config = build_config(entry, {**shape, **network})
        with seeded(seed):
            task = self.rebuild(entry, config, options, data.labels)
        assets = {TOKENIZER: tokenizer_bytes(tokenizer)}
        return Learner(name, asdict(config), dict(options), data.labels, assets, task)

    def rebuild(
        self, entry: Entry, config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> TextClassification:
        """Build the task of a saved learner."""
        own = {key: value for key, value in options.items() if key not in ("tokens", "max_tokens")}
        try:
            return TextClassification(entry.network(config), classes=len(labels), **own)
        except TypeError as error:
            raise CatalogError(f"TextClassification takes other options: {error}") from error

    def batches(
        self, learner: Learner, part: Part, *, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> SequenceBatches:
        """Batches of ``tokens`` and ``label``."""
        return SequenceBatches(
            {"tokens": _tokens(learner, _texts(part))}, {"label": cast("Tensor", part["label"])},
            batch_size=batch_size, shuffle=shuffle, seed=seed,
        )  # fmt: skip

    def evidence(self, learner: Learner, part: Part) -> "dict[str, Figure]":
        """Accuracy by length, the confusions, and the mistakes that the network was most certain of."""
        from models.plots_images import plot_confusion
        from models.plots_texts import plot_by_length

        label_N = cast("Tensor", part["label"]).numpy()
        found_NK = self._probabilities(learner, part)
        answer_N = found_NK.argmax(axis=1)
        words = np.array([len(text.split()) for text in _texts(part)])
        return {
            "by_length": plot_by_length(words, answer_N == label_N),
            "confusion": plot_confusion(label_N, answer_N, learner.labels),
            "mistakes": _plot_mistakes(
                _lines(
                    learner.labels,
                    part,
                    found_NK,
                    _worst(found_NK, label_N),
                    between="\n\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}",
                )
            ),
        }

    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """One graph from tokens to probabilities by class."""
        served = learner.task.eval().served()
        graph = network_graph(served)
        rows = _tokens(learner, _texts(part)[:32])
        cases = {
            "one": _padded(rows[:1]), "one token": _padded([rows[0][:1]]), "three": _padded(rows[:3]),
            "many": _padded(rows), "long": _padded([(rows[0] * 400)[:400], rows[1]]),
        }  # fmt: skip

        def answer(arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
            with torch.no_grad():
                return [
                    served.module(**{key: torch.from_numpy(each) for key, each in arrays.items()}).numpy()
                ]

        return Export(
            graph=graph,
            task="text classification",
            inputs=(
                Input(name="tokens", datatype="INT64", shape=(-1, -1), kind="tensor", required=True),
                Input(name="lengths", datatype="INT64", shape=(-1,), kind="tensor", required=True),
            ),
            outputs=(
                Output(
                    name="probabilities",
                    datatype="FP32",
                    shape=(-1, len(learner.labels)),
                    labels=learner.labels,
                ),
            ),
            parity=check_tensors(graph, cases, answer, relative=tolerance),
            form=TextForm(max_tokens=learner.options["max_tokens"], pad=PAD),
            extras={TOKENIZER: learner.assets[TOKENIZER]},
            example={"text": _texts(part)[0][:300]},
        )

    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Answers and truth of some texts."""
        assert folder
        rows = np.random.default_rng(seed).permutation(len(_texts(part)))[:count]
        chosen: Part = {
            "text": [_texts(part)[at] for at in rows],
            "label": cast("Tensor", part["label"])[torch.from_numpy(rows)],
        }
        return _lines(learner.labels, chosen, self._probabilities(learner, chosen), range(len(rows)))

    def _probabilities(self, learner: Learner, part: Part) -> NDArray[Any]:
        """Probabilities_NK of a split."""
        task = cast("TextClassification", learner.task.eval())
        with torch.no_grad():
            parts = [
                task.head(batch["tokens"], batch["tokens_lengths"]).numpy()
                for batch in self.batches(learner, part, batch_size=64)
            ]
        return np.concatenate(parts)


def _worst(found_NK: NDArray[Any], label_N: NDArray[Any], count: int = 12) -> list[int]:
    """Rows of the wrong answers with the highest probability, the surest first."""
    wrong = np.flatnonzero(found_NK.argmax(axis=1) != label_N)
    order = np.argsort(-found_NK[wrong].max(axis=1), kind="stable")
    return [int(at) for at in wrong[order[:count]]]


def _lines(
    labels: Sequence[str], part: Part, found_NK: NDArray[Any], rows: Iterable[int], *, between: str = " "
) -> list[str]:
    """A line a row: the answer and its probability, the truth, how the text begins after ``between``."""
    label_N = cast("Tensor", part["label"])
    return [
        f"{labels[int(found_NK[at].argmax())]:10} {found_NK[at].max():6.1%}   "
        f"true {labels[int(label_N[at])]:10}{between}"
        f"{' '.join(_texts(part)[at].split())[:80]!r}"
        for at in rows
    ]


def _plot_mistakes(lines: Sequence[str]) -> "Figure":
    """The lines as a picture, since the report shows pictures."""
    from matplotlib.figure import Figure

    # A review may name prices: two dollar signs would set what lies between them as mathematics.
    text = "\n".join(lines) or "none"
    figure = Figure(figsize=(7.2, 0.5 + 0.17 * (text.count("\n") + 1)), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    axes.set_title("The mistakes it was most certain of")
    axes.text(0, 1, text, family="monospace", fontsize=8, va="top", linespacing=1.4, parse_math=False)
    return figure


def _tokens(learner: Learner, texts: Sequence[str]) -> list[list[int]]:
    return tokenize(read_tokenizer(learner.assets[TOKENIZER]), texts, learner.options["max_tokens"])


def _padded(rows: list[list[int]]) -> dict[str, NDArray[Any]]:
    longest = max(map(len, rows))
    tokens = np.array([row + [PAD] * (longest - len(row)) for row in rows], dtype=np.int64)
    return {"tokens": tokens, "lengths": np.array([len(row) for row in rows], dtype=np.int64)}


def _texts(part: Part) -> Sequence[str]:
    return cast("Sequence[str]", part["text"])
