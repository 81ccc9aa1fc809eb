"""The Transformer from its parts against torch's own, and its step over a cache against the whole."""

import pytest
import torch
from torch import nn

from models.layers.attention import MultiHeadAttention, sinusoids
from models.zoo.transformer import Transformer, TransformerConfig

# Torch says so when it builds its encoder.
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning")

SHAPE = {"width": 16, "heads": 4, "layers": 2, "hidden": 24}
CONFIG = {"vocabulary": 40, "dropout": 0.0, "positions": 64, **SHAPE}


def copy_attention(theirs: nn.MultiheadAttention, ours: MultiHeadAttention) -> None:
    theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
    theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
    theirs.out_proj.load_state_dict(ours.out.state_dict())


def twins(pre_norm: bool) -> tuple[Transformer, nn.Transformer]:
    torch.manual_seed(0)
    ours = Transformer(TransformerConfig(pre_norm=pre_norm, **CONFIG))
    theirs = nn.Transformer(16, 4, 2, 2, 24, 0.0, batch_first=True, norm_first=pre_norm)
    with torch.no_grad():
        for weight in ours.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        for mine, other in zip(ours.encoder, theirs.encoder.layers, strict=True):
            copy_attention(other.self_attn, mine.attention.inner)
            parts = [(mine.attention, other.norm1), (mine.feed, other.norm2)]
            copy_rest(mine, other, parts)
        for mine, other in zip(ours.decoder, theirs.decoder.layers, strict=True):
            copy_attention(other.self_attn, mine.own.inner)
            copy_attention(other.multihead_attn, mine.cross.inner)
            parts = [(mine.own, other.norm1), (mine.cross, other.norm2), (mine.feed, other.norm3)]
            copy_rest(mine, other, parts)
        theirs.encoder.norm.load_state_dict(ours.encoder_norm.state_dict())
        theirs.decoder.norm.load_state_dict(ours.decoder_norm.state_dict())
    return ours, theirs


def copy_rest(mine, other, parts) -> None:
    for part, norm in parts:
        norm.load_state_dict(part.norm.state_dict())
    other.linear1.load_state_dict(mine.feed.inner[0].state_dict())
    other.linear2.load_state_dict(mine.feed.inner[3].state_dict())


def rows() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randint(4, 40, (3, 9)), torch.tensor([9, 5, 1]), torch.randint(4, 40, (3, 7))


@pytest.mark.parametrize("pre_norm", [True, False])
def test_it_equals_torchs_with_the_same_weights(pre_norm):
    ours, theirs = twins(pre_norm)
    source, lengths, target = rows()
    padding = torch.arange(9) >= lengths[:, None]
    table, scale = ours.embedding.weight, 4.0
    x, y = (table[part] * scale + sinusoids(64, 16)[: part.shape[1]] for part in (source, target))
    mask = torch.ones(7, 7, dtype=torch.bool).triu(1)
    h = theirs(x, y, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    expected = h @ table.T
    got = ours(source, lengths, target)
    assert (got - expected).abs().max() < 1e-5
    weight = torch.randn_like(got) / got.numel()
    (one,) = torch.autograd.grad((got * weight).sum(), ours.decoder[0].cross.inner.out.weight)
    other = theirs.decoder.layers[0].multihead_attn.out_proj.weight
    (two,) = torch.autograd.grad((expected * weight).sum(), other)
    assert (one - two).abs().max() < 1e-6


def test_steps_over_a_cache_give_what_the_whole_gives():
    ours, _ = twins(True)
    source, lengths, target = rows()
    with torch.no_grad():
        whole = torch.log_softmax(ours.eval()(source, lengths, target), dim=2)
        memory = ours.memory(source, lengths)
        keys = values = torch.zeros(3, 2, 4, 0, 4)
        for time in range(7):
            scores, keys, values = ours.step(target[:, time : time + 1], lengths, memory, (keys, values))
            assert (scores - whole[:, time]).abs().max() < 1e-5


def test_no_position_sees_what_comes_after_it_or_filling():
    ours, _ = twins(True)
    source, lengths, target = rows()
    changed, later = source.clone(), target.clone()
    changed[1, 5:] = 7
    later[:, 4:] = 8
    with torch.no_grad():
        one, two = ours.eval()(source, lengths, target), ours(changed, lengths, later)
    assert torch.equal(one[1, :4], two[1, :4])
    assert not torch.equal(one[1, 4:], two[1, 4:])


def test_attention_maps_are_shares_of_the_source():
    ours, _ = twins(True)
    source, lengths, target = rows()
    with torch.no_grad():
        weights = ours.eval().attention(source, lengths, target)
    assert weights.shape == (3, 4, 7, 9)
    assert torch.allclose(weights.sum(3), torch.ones(3, 4, 7))
    assert not weights[1, :, :, 5:].any()


def test_positions_are_sines_and_cosines():
    table = sinusoids(5, 4)
    assert torch.allclose(table[3], torch.tensor([3.0, 3.0, 0.03, 0.03]).sin().where(
        torch.tensor([True, False, True, False]), torch.tensor([3.0, 3.0, 0.03, 0.03]).cos()
    ))  # fmt: skip
