"""Transformer, encoder and decoder, for translation.

Vaswani et al., "Attention Is All You Need", NeurIPS 2017, https://arxiv.org/abs/1706.03762. Differences:
layer normalisation before each part instead of after it unless ``pre_norm`` is off (Xiong et al. 2020,
https://arxiv.org/abs/2002.04745), with one more at the end of either stack, as torch.nn.Transformer has; one
embedding for both languages and for the output (Press, Wolf 2017, https://arxiv.org/abs/1608.05859).

Legend: B batch, S source tokens, T target tokens, P positions, D width, H heads, E width of a head, L layers,
V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from optuna.trial import BaseTrial
from torch import Tensor, nn

from models.layers.attention import MultiHeadAttention, sinusoids


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of the network; ``vocabulary`` comes from the data. No text may be longer than ``positions``."""

    vocabulary: int
    width: int = 256
    heads: int = 8
    layers: int = 3
    hidden: int = 1024
    dropout: float = 0.3
    pre_norm: bool = True
    positions: int = 256
    padding: int = 0


class Part(nn.Module):
    """A sub-layer in its residual: normalise, apply, drop, add; or apply, drop, add, normalise."""

    inner: Any
    norm: Any
    dropout: Any

    def __init__(self, inner: nn.Module, config: TransformerConfig) -> None:
        super().__init__()
        self.inner, self.norm = inner, nn.LayerNorm(config.width)
        self.dropout, self.pre_norm = nn.Dropout(config.dropout), config.pre_norm

    def before(self, x_BTD: Tensor) -> Tensor:
        """Return what the inner layer is given."""
        given_BTD: Tensor = self.norm(x_BTD) if self.pre_norm else x_BTD
        return given_BTD

    def after(self, x_BTD: Tensor, y_BTD: Tensor) -> Tensor:
        """Return the sum of what came in and what the inner layer made of it."""
        sum_BTD: Tensor = x_BTD + self.dropout(y_BTD)
        if not self.pre_norm:
            sum_BTD = self.norm(sum_BTD)
        return sum_BTD


class EncoderLayer(nn.Module):
    """Attention to the source, then a feed-forward network."""

    attention: Part
    feed: Part

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = Part(MultiHeadAttention(config.width, config.heads, config.dropout), config)
        self.feed = Part(_feed_forward(config), config)

    def forward(self, x_BSD: Tensor, may_B11S: Tensor) -> Tensor:
        """Return x_BSD."""
        given_BSD = self.attention.before(x_BSD)
        keys, values = self.attention.inner.keys_values(given_BSD)
        x_BSD = self.attention.after(x_BSD, self.attention.inner(given_BSD, keys, values, may_B11S))
        return self.feed.after(x_BSD, self.feed.inner(self.feed.before(x_BSD)))


class DecoderLayer(nn.Module):
    """Attention to the target so far, attention to the memory, then a feed-forward network."""

    own: Part
    cross: Part
    feed: Part

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.own = Part(MultiHeadAttention(config.width, config.heads, config.dropout), config)
        self.cross = Part(MultiHeadAttention(config.width, config.heads, config.dropout), config)
        self.feed = Part(_feed_forward(config), config)

    def forward(
        self, x_BTD: Tensor, cache: tuple[Tensor, Tensor] | None, may_TT: Tensor,
        memory: tuple[Tensor, Tensor], may_B11S: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:  # fmt: skip
        """Return x_BTD, and keys and values of all positions so far: ``cache`` and these."""
        given_BTD = self.own.before(x_BTD)
        keys, values = self.own.inner.keys_values(given_BTD)
        if cache is not None:
            keys, values = torch.cat([cache[0], keys], dim=2), torch.cat([cache[1], values], dim=2)
        x_BTD = self.own.after(x_BTD, self.own.inner(given_BTD, keys, values, may_TT))
        x_BTD = self.cross.after(x_BTD, self.cross.inner(self.cross.before(x_BTD), *memory, may_B11S))
        return self.feed.after(x_BTD, self.feed.inner(self.feed.before(x_BTD))), (keys, values)


class Transformer(nn.Module):
    """tokens of the source and of the target so far -> logits of each next token."""

    table: Tensor
    encoder: Any
    decoder: Any

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width, padding_idx=config.padding)
        nn.init.normal_(self.embedding.weight, std=config.width**-0.5)
        self.register_buffer("table", sinusoids(config.positions, config.width), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(config.width), nn.LayerNorm(config.width)

    def forward(self, source_BS: Tensor, lengths_B: Tensor, target_BT: Tensor) -> Tensor:
        """Return logits_BTV of the token after each of ``target``, whose first is the beginning's."""
        may_B11S = _known(source_BS, lengths_B)
        memory_BSD = self.encode(source_BS, may_B11S)
        positions = target_BT.shape[1]
        may_TT = torch.ones(positions, positions, dtype=torch.bool, device=target_BT.device).tril()
        x_BTD = self.embed(target_BT, torch.arange(positions, device=target_BT.device))
        for layer in self.decoder:
            x_BTD, _ = layer(x_BTD, None, may_TT, layer.cross.inner.keys_values(memory_BSD), may_B11S)
        return self.logits(x_BTD)

    def encode(self, source_BS: Tensor, may_B11S: Tensor) -> Tensor:
        """Return memory_BSD."""
        x_BSD = self.embed(source_BS, torch.arange(source_BS.shape[1], device=source_BS.device))
        for layer in self.encoder:
            x_BSD = layer(x_BSD, may_B11S)
        memory_BSD: Tensor = self.encoder_norm(x_BSD)
        return memory_BSD

    def memory(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the source's keys_BLHSE and values_BLHSE as every layer of the decoder asks them."""
        memory_BSD = self.encode(tokens, _known(tokens, lengths))
        pairs = [layer.cross.inner.keys_values(memory_BSD) for layer in self.decoder]
        return torch.stack([keys for keys, _ in pairs], 1), torch.stack([values for _, values in pairs], 1)

    def step(
        self, token: Tensor, lengths: Tensor, memory: tuple[Tensor, Tensor], cache: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores_BV (log-probabilities) after token_B1, and the cache with it, each BLHTE."""
        may_B11S = torch.arange(memory[0].shape[3], device=token.device) < lengths[:, None, None, None]
        may_11 = torch.ones(1, 1, dtype=torch.bool, device=token.device)
        x_B1D = self.embed(token, torch.arange(1, device=token.device) + cache[0].shape[3])
        caches = []
        for at, layer in enumerate(self.decoder):
            past, asked = (cache[0][:, at], cache[1][:, at]), (memory[0][:, at], memory[1][:, at])
            x_B1D, grown = layer(x_B1D, past, may_11, asked, may_B11S)
            caches.append(grown)
        scores_BV = torch.log_softmax(self.logits(x_B1D)[:, 0].float(), dim=1)
        return (
            scores_BV,
            torch.stack([one for one, _ in caches], 1),
            torch.stack([two for _, two in caches], 1),
        )

    def embed(self, tokens_BT: Tensor, place_T: Tensor) -> Tensor:
        """Return x_BTD: embeddings by sqrt(D), plus positions."""
        x_BTD = self.embedding(tokens_BT) * self.config.width**0.5
        dropped_BTD: Tensor = self.dropout(x_BTD + nn.functional.embedding(place_T, self.table))
        return dropped_BTD

    def logits(self, x_BTD: Tensor) -> Tensor:
        """Return logits_BTV by the embedding's own vectors."""
        return nn.functional.linear(self.decoder_norm(x_BTD), self.embedding.weight)

    def attention(self, source_BS: Tensor, lengths_B: Tensor, target_BT: Tensor) -> Tensor:
        """Return the last layer's attention from target to source, weights_BHTS."""
        seen: list[Tensor] = []
        part = self.decoder[-1].cross
        may_B11S = _known(source_BS, lengths_B)
        keys, _ = part.inner.keys_values(self.encode(source_BS, may_B11S))

        def keep(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            seen.append(part.inner.weights(arguments[0], keys, may_B11S))

        handle = part.inner.register_forward_pre_hook(keep)
        try:
            self(source_BS, lengths_B, target_BT)
        finally:
            handle.remove()
        return seen[0]


def _known(tokens_BS: Tensor, lengths_B: Tensor) -> Tensor:
    """may_B11S: which source positions are text and no filling."""
    return torch.arange(tokens_BS.shape[1], device=tokens_BS.device) < lengths_B[:, None, None, None]


def _feed_forward(config: TransformerConfig) -> nn.Module:
    return nn.Sequential(
        nn.Linear(config.width, config.hidden), nn.ReLU(), nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.width),
    )  # fmt: skip


STARTS: dict[str, dict[str, Any]] = {
    "default": {"width": 256, "layers": 3, "dropout": 0.2, "lr": 1e-3, "batch_size": 128}
}
"""Parameters of the search space that a study may try first, by name."""


def search_space(trial: BaseTrial) -> dict[str, dict[str, Any]]:
    """Suggest entries of the config under ``network``, and of the training under ``training``."""
    return {
        "network": {
            "width": trial.suggest_categorical("width", [64, 128, 256]),
            "layers": trial.suggest_int("layers", 1, 4),
            "dropout": trial.suggest_float("dropout", 0.0, 0.4, step=0.1),
        },
        "training": {
            "lr": trial.suggest_float("lr", 3e-4, 3e-3, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [64, 128]),
        },
    }
