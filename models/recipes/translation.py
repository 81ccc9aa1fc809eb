"""Recipe of translation: byte pairs of both languages, beam search as the service does it, BLEU."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from tokenizers import Tokenizer
from torch import Tensor

from models.catalog import Entry
from models.data.data import Data, Part
from models.data.sequences import SequenceBatches
from models.data.tokens import BEGIN, END, PAD, fit_bpe, read_tokenizer, tokenize, tokenizer_bytes
from models.errors import CatalogError
from models.export.network import network_graph
from models.export.tensors import check_tensors
from models.recipe import Export, Learner, Recipe, build_config
from models.seeds import seeded
from models.task import Served
from models.tasks.translation import Translation
from serving.beam_search import beam_search
from serving.bundle import Input, Output, TranslationForm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOKENIZER = "tokenizer.json"
BEAMS, LENGTH_PENALTY = 4, 0.6


class TranslationRecipe(Recipe):
    """Columns ``source`` and ``target``. Options: ``tokens`` (the vocabulary), ``max_tokens`` of a text."""

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
        """Learn one vocabulary for both languages from the training texts; build the network for it."""
        texts = [*_texts(data.train, "source"), *_texts(data.train, "target")]
        tokenizer = fit_bpe(texts, options["tokens"], lowercase=options["lowercase"])
        config = build_config(entry, {"vocabulary": tokenizer.get_vocab_size(), **network})
        with seeded(seed):
            task = self.rebuild(entry, config, options, ())
        assets = {TOKENIZER: tokenizer_bytes(tokenizer)}
        return Learner(name, asdict(config), dict(options), (), assets, task)

    def rebuild(
        self, entry: Entry, config: Any, options: Mapping[str, Any], labels: tuple[str, ...]
    ) -> Translation:
        """Build the task of a saved learner."""
        assert not labels
        own = {
            key: value for key, value in options.items() if key not in ("tokens", "lowercase", "max_tokens")
        }
        try:
            return Translation(cast("Any", entry.network(config)), **own)
        except TypeError as error:
            raise CatalogError(f"Translation takes other options: {error}; mend the parameters") from error

    def batches(
        self, learner: Learner, part: Part, *, batch_size: int, shuffle: bool = False, seed: int = 0
    ) -> SequenceBatches:
        """Batches of ``source`` and ``target``, the latter from begin to end."""
        source = self._tokens(learner, _texts(part, "source"))
        target = [[BEGIN, *each, END] for each in self._tokens(learner, _texts(part, "target"))]
        sequences = {"source": source, "target": target}
        return SequenceBatches(sequences, batch_size=batch_size, shuffle=shuffle, seed=seed)

    def evaluate(self, learner: Learner, part: Part, *, batch_size: int) -> dict[str, float]:
        """The task's metrics, and BLEU of the beam search's texts by sacrebleu's 13a."""
        from sacrebleu.metrics.bleu import BLEU

        metrics = super().evaluate(learner, part, batch_size=batch_size)
        texts = self.translate(learner, _texts(part, "source"))
        bleu = BLEU(lowercase=learner.options["lowercase"])
        return {"bleu": bleu.corpus_score(texts, [list(_texts(part, "target"))]).score, **metrics}

    def translate(self, learner: Learner, texts: Sequence[str], *, batch_size: int = 64) -> list[str]:
        """Return the translation of each text, by the beam search that the service runs."""
        task, tokenizer = cast("Translation", learner.task.eval()), _tokenizer(learner)
        rows = self._tokens(learner, texts)
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        answers = [""] * len(rows)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            decoder = TorchDecoder(task, [rows[at] for at in chosen])
            found = beam_search(
                decoder, len(chosen), beams=BEAMS, begin=BEGIN, end=END, pad=PAD,
                max_tokens=learner.options["max_tokens"], length_penalty=LENGTH_PENALTY,
            )  # fmt: skip
            for at, tokens in zip(chosen, found, strict=True):
                answers[at] = tokenizer.decode(tokens)
        return answers

    def evidence(self, learner: Learner, part: Part) -> "dict[str, Figure]":
        """Attention of the last layer from each translation to its source."""
        from models.plots_attention import plot_attention

        texts = sorted(_texts(part, "source")[:200], key=len)[60:180:60]
        tokenizer = _tokenizer(learner)
        figures = {}
        for number, (text, answer) in enumerate(zip(texts, self.translate(learner, texts), strict=True)):
            source, target = (tokenize(tokenizer, [each], 60)[0] for each in (text, answer))
            with torch.no_grad():
                weights = cast("Translation", learner.task).network.attention(
                    torch.tensor([source]), torch.tensor([len(source)]), torch.tensor([[BEGIN, *target]])
                )[0]
            rows = [str(tokenizer.id_to_token(token)) for token in [*target, END]]
            columns = [str(tokenizer.id_to_token(token)) for token in source]
            figures[f"attention_{number}"] = plot_attention(weights.numpy(), rows, columns)
        return figures

    def export(self, learner: Learner, part: Part, *, tolerance: float) -> Export:
        """The encoder and one step of the decoder, each proven on real texts."""
        task = cast("Translation", learner.task.eval())
        config, texts = task.network.config, _texts(part, "source")[:16]
        served, stepped = task.served(), task.step_served()
        encoder, step = network_graph(served), network_graph(stepped)
        cases = _encoder_cases(self._tokens(learner, texts))
        parity = check_tensors(encoder, cases, lambda arrays: _run(served, arrays), relative=tolerance)
        steps = _step_cases(task, cases["many"])
        more = check_tensors(step, steps, lambda arrays: _run(stepped, arrays), relative=tolerance)
        form = TranslationForm(
            memory=served.outputs, cache=("keys", "values"),
            cache_shape=(config.layers, config.heads, config.width // config.heads),
            begin=BEGIN, end=END, pad=PAD, beams=BEAMS, length_penalty=LENGTH_PENALTY,
            max_tokens=learner.options["max_tokens"],
        )  # fmt: skip
        memory = (-1, config.layers, config.heads, -1, config.width // config.heads)
        return Export(
            graph=encoder,
            task="translation",
            inputs=(
                Input(name="tokens", datatype="INT64", shape=(-1, -1), kind="tensor", required=True),
                Input(name="lengths", datatype="INT64", shape=(-1,), kind="tensor", required=True),
            ),
            outputs=tuple(Output(name=name, datatype="FP32", shape=memory) for name in served.outputs),
            parity={**parity, "cases": [*parity["cases"], *more["cases"]]},
            form=form,
            extras={TOKENIZER: learner.assets[TOKENIZER], form.step: _bytes(step)},
            example={"text": texts[0]},
        )

    def sample(self, learner: Learner, part: Part, *, count: int, seed: int, folder: Path) -> list[str]:
        """Some sources with their translation and the reference."""
        assert folder
        rows = np.random.default_rng(seed).permutation(len(_texts(part, "source")))[:count].tolist()
        source, target = ([_texts(part, name)[at] for at in rows] for name in ("source", "target"))
        answers = self.translate(learner, source)
        return [
            line
            for one, two, three in zip(source, answers, target, strict=True)
            for line in (f"source      {one}", f"translated  {two}", f"reference   {three}", "")
        ]

    @staticmethod
    def _tokens(learner: Learner, texts: Sequence[str]) -> list[list[int]]:
        return tokenize(_tokenizer(learner), texts, learner.options["max_tokens"])


class TorchDecoder:
    """The network's step as beam search asks it, with a cache."""

    def __init__(self, task: Translation, rows: list[list[int]]) -> None:
        self.network = task.network
        self.lengths = torch.tensor([len(row) for row in rows])
        tokens = [torch.tensor(row) for row in rows]
        source = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=PAD)
        with torch.no_grad():
            self.memory = self.network.memory(source, self.lengths)
        layers, heads, width = self.memory[0].shape[1], self.memory[0].shape[2], self.memory[0].shape[4]
        self.cache = tuple(torch.zeros(len(rows), layers, heads, 0, width) for _ in range(2))

    def step(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Take each row's next token; return scores of the one after it."""
        with torch.no_grad():
            token = torch.from_numpy(tokens)[:, None]
            cache = (self.cache[0], self.cache[1])
            scores, keys, values = self.network.step(token, self.lengths, self.memory, cache)
        self.cache = (keys, values)
        return np.asarray(scores.numpy(), dtype=np.float32)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Go on with these rows."""
        at = torch.from_numpy(rows)
        self.lengths = self.lengths[at]
        self.memory = (self.memory[0][at], self.memory[1][at])
        self.cache = (self.cache[0][at], self.cache[1][at])


def _encoder_cases(rows: list[list[int]]) -> dict[str, dict[str, NDArray[Any]]]:
    def padded(chosen: list[list[int]]) -> dict[str, NDArray[Any]]:
        longest = max(map(len, chosen))
        tokens = np.array([row + [PAD] * (longest - len(row)) for row in chosen], dtype=np.int64)
        return {"tokens": tokens, "lengths": np.array([len(row) for row in chosen], dtype=np.int64)}

    return {
        "one": padded(rows[:1]), "one token": padded([rows[0][:1]]), "three": padded(rows[:3]),
        "many": padded(rows),
    }  # fmt: skip


def _step_cases(task: Translation, many: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    """Steps after 0, 1 and 7 tokens, of one text and of several."""
    cases = {}
    config = task.network.config
    generator = torch.Generator().manual_seed(0)
    for rows in (1, 3):
        tokens, lengths = (torch.from_numpy(many[name][:rows]) for name in ("tokens", "lengths"))
        with torch.no_grad():
            memory = task.network.memory(tokens, lengths)
        for time in (0, 1, 7):
            shape = (rows, config.layers, config.heads, time, config.width // config.heads)
            keys, values = (torch.randn(shape, generator=generator).numpy() for _ in range(2))
            cases[f"step {time} of {rows}"] = {
                "token": np.full((rows, 1), BEGIN, dtype=np.int64), "lengths": lengths.numpy(),
                "memory_keys": memory[0].numpy(), "memory_values": memory[1].numpy(),
                "keys": keys, "values": values,
            }  # fmt: skip
    return cases


def _run(served: Served, arrays: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    with torch.no_grad():
        outputs: Sequence[Tensor] = served.module(
            **{key: torch.from_numpy(each) for key, each in arrays.items()}
        )
    return [output.numpy() for output in outputs]


def _bytes(model: ModelProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _tokenizer(learner: Learner) -> Tokenizer:
    return read_tokenizer(learner.assets[TOKENIZER])


def _texts(part: Part, column: str) -> Sequence[str]:
    return cast("Sequence[str]", part[column])
