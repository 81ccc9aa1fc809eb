"""Layers for tables against their definitions."""

import math

import pytest
import torch
from torch import nn

from models.errors import ModelError
from models.layers.batch_ensemble import BatchEnsembleLinear, MemberHeads, member_scales
from models.layers.numeric import PeriodicEmbedding, PiecewiseLinearEmbedding, TableScaler, table_shape


def test_batch_ensemble_equals_one_linear_layer_a_member():
    layer = BatchEnsembleLinear(4, 5, 3, r_init="normal")
    nn.init.normal_(layer.s_KO)
    x_BKI = torch.randn(6, 4, 5)
    for member in range(4):
        weight = layer.s_KO[member][:, None] * layer.shared.weight * layer.r_KI[member]
        expected = nn.functional.linear(x_BKI[:, member], weight, layer.b_KO[member])
        torch.testing.assert_close(layer(x_BKI)[:, member], expected)


def test_heads_share_nothing():
    heads = MemberHeads(3, 5, 2)
    x_BKD = torch.randn(4, 3, 5)
    for member in range(3):
        expected = x_BKD[:, member] @ heads.w_KDO[member] + heads.b_KO[member]
        torch.testing.assert_close(heads(x_BKD)[:, member], expected)


def test_scales_start_as_asked():
    assert member_scales(2, 3, "ones").unique().tolist() == [1.0]
    assert member_scales(50, 3, "signs").unique().tolist() == [-1.0, 1.0]
    assert len(member_scales(2, 3, "normal").unique()) == 6


def test_numbers_are_columns_with_more_than_two_values():
    x_RF = torch.tensor([[0.0, 5.0, 7.0], [1.0, 6.0, 7.0], [1.0, 8.0, 7.0]])
    assert table_shape(x_RF) == {"features": 3, "numbers": (1,)}


def test_the_scaler_standardises_numbers_clips_them_and_leaves_flags():
    x_RF = torch.stack([torch.arange(100.0), torch.arange(100.0) % 2], dim=1)
    scaler = TableScaler(2, (0,), clip=1.5)
    scaler.calibrate(x_RF)
    z_BN, flags_BC = scaler(x_RF)
    assert z_BN.max().item() == 1.5
    inside = z_BN.abs() < 1.5
    expected = (x_RF[:, :1] - 49.5) / x_RF[:, 0].std(correction=0)
    torch.testing.assert_close(z_BN[inside], expected[inside])
    assert torch.equal(flags_BC, x_RF[:, 1:])


def test_the_scaler_survives_a_constant_and_refuses_gaps():
    scaler = TableScaler(1, (0,))
    scaler.calibrate(torch.full((5, 1), 3.0))
    assert scaler(torch.full((2, 1), 3.0))[0].tolist() == [[0.0], [0.0]]
    with pytest.raises(ModelError, match="NaN or infinity"):
        scaler.calibrate(torch.tensor([[math.nan]]))


def test_piecewise_places_a_number_among_its_quantiles():
    embedding = PiecewiseLinearEmbedding(1, bins=4, width=4)
    embedding.calibrate(torch.linspace(0, 8, 101)[:, None])
    with torch.no_grad():
        embedding.linear_ND.zero_()
        embedding.bias_ND.zero_()
        embedding.piecewise_NMD.copy_(torch.eye(4)[None])
    # Edges 0, 2, 4, 6, 8: 5 fills two bins and half the third; 100 fills all; -1 none.
    places = embedding(torch.tensor([[5.0], [100.0], [-1.0]]))[:, 0]
    torch.testing.assert_close(places, torch.tensor([[1, 1, 0.5, 0], [1, 1, 1, 1], [0, 0, 0, 0.0]]))


def test_piecewise_with_repeated_values_has_fewer_bins_and_stays_finite():
    embedding = PiecewiseLinearEmbedding(1, bins=8, width=2)
    embedding.calibrate(torch.tensor([[0.0]] * 90 + [[1.0]] * 10))
    nn.init.normal_(embedding.piecewise_NMD)
    assert embedding.inverse[0].count_nonzero() == 1
    assert torch.isfinite(embedding(torch.tensor([[0.0], [0.5], [9.0]]))).all()


def test_periodic_has_the_frequencies_that_it_learns():
    embedding = PeriodicEmbedding(2, frequencies=3, width=4, sigma=0.5)
    z_BN = torch.randn(5, 2)
    angle = 2 * math.pi * z_BN[:, 1:] * embedding.frequency_NQ[1]
    waves = torch.cat([angle.cos(), angle.sin()], dim=1)
    expected = torch.relu(waves @ embedding.weight_NQD[1] + embedding.bias_ND[1])
    torch.testing.assert_close(embedding(z_BN)[:, 1], expected)
