"""Spaces of architectures: what is the same network, how many differ, and that each is built as it says."""

import random
from itertools import product

import pytest
import torch

from models.errors import SearchError
from models.layers.cell import OPERATIONS, Cell, live
from models.nas.catalog import SPACES, space_of
from models.nas.cells import INPUT, expression
from models.zoo.cell_cnn import CellCNN, CellCNNConfig

CELLS = SPACES["cells"]
# Edges in order: input to first, input to second, first to second, first to output, second to output.


@pytest.mark.parametrize(
    ("architecture", "computes"),
    [
        (("none", "skip", "none", "none", "skip"), INPUT),
        (("skip", "none", "skip", "none", "skip"), INPUT),
        (("skip", "none", "none", "skip", "none"), INPUT),
        (("conv3", "none", "none", "none", "none"), ()),
        (("conv3", "conv1", "none", "none", "conv1"), (("conv1", (("conv1", INPUT),)),)),
        (("skip", "skip", "none", "skip", "skip"), (*INPUT, *INPUT)),
        (("none", "pool3", "conv3", "conv1", "skip"), (("pool3", INPUT),)),
    ],
)
def test_what_a_cell_computes(architecture, computes):
    assert expression(architecture) == computes


@pytest.mark.parametrize(
    ("one", "two"),
    [
        # An edge out of a node that nothing feeds.
        (("none", "conv3", "conv1", "pool3", "skip"), ("none", "conv3", "none", "none", "skip")),
        # An edge into a node that leads nowhere.
        (("conv1", "conv3", "pool3", "conv3", "none"), ("conv1", "none", "none", "conv3", "none")),
        # The same chain through either of the inner nodes.
        (("conv1", "none", "none", "conv3", "none"), ("none", "conv1", "none", "none", "conv3")),
        # Two branches that change places.
        (("conv1", "conv3", "none", "skip", "skip"), ("conv3", "conv1", "none", "skip", "skip")),
    ],
)
def test_equivalent_cells_have_one_canonical_form(one, two):
    assert CELLS.canonical(one) == CELLS.canonical(two)


def test_the_spaces_have_as_many_architectures_as_the_documents_say():
    assert len(list(product(*CELLS.decisions))) == 3125
    assert len(CELLS.architectures) == 1166
    assert len(SPACES["mlp"].architectures) == 56


def test_canonical_forms_have_no_dead_edge_and_stay_as_they_are():
    for architecture in CELLS.architectures:
        assert CELLS.canonical(architecture) == architecture
        assert live(architecture) == architecture


def test_equal_forms_answer_alike_and_others_do_not():
    torch.manual_seed(0)
    weights = {name: torch.randn(3, 3, size, size) for name, size in (("conv1", 1), ("conv3", 3))}
    x = torch.randn(2, 3, 6, 6)

    def answer(architecture):
        cell = Cell(3, [(name,) for name in architecture]).eval()
        for operations in cell.edges:
            for name, operation in operations.items():
                if name in weights:
                    operation[1].weight.data = weights[name].clone()
        with torch.no_grad():
            return cell(x, architecture)

    rng = random.Random(0)
    drawn = [tuple(rng.choice(OPERATIONS) for _ in range(5)) for _ in range(300)]
    for one in drawn:
        torch.testing.assert_close(answer(one), answer(CELLS.canonical(one)), rtol=1e-4, atol=1e-4)
    forms = list({CELLS.canonical(each) for each in drawn})[:60]
    answers = [answer(each) for each in forms]
    close = sum(
        torch.allclose(answers[a], answers[b], atol=1e-5) for a in range(len(forms)) for b in range(a)
    )
    # pool3 of a sum is the sum of pool3s: a few forms that differ compute the same, as in the paper's rules.
    assert close <= 3


def test_a_network_has_no_weights_on_dead_edges():
    dead = ("none", "skip", "conv3", "conv3", "conv1")
    config = CellCNNConfig((1, 12, 12), 10, dead)
    lean = CellCNNConfig((1, 12, 12), 10, CELLS.canonical(dead))
    counts = [sum(weight.numel() for weight in CellCNN(each).parameters()) for each in (config, lean)]
    assert counts[0] == counts[1]


def test_a_cell_that_leads_nowhere_still_answers():
    network = CellCNN(CellCNNConfig((1, 12, 12), 10, ("none",) * 5)).eval()
    x = torch.randn(2, 1, 12, 12)
    assert torch.equal(network(x)[0], network(x)[1])


@pytest.mark.parametrize("operations", [("conv3",) * 4, ("conv5",) * 5])
def test_operations_that_are_none_are_told(operations):
    with pytest.raises(ValueError, match="expected 5 operations, each one of none, skip"):
        CellCNN(CellCNNConfig((1, 12, 12), 10, operations))


@pytest.mark.parametrize("name", sorted(SPACES))
def test_samples_and_mutations_are_canonical_and_new(name):
    space, rng = SPACES[name], random.Random(0)
    for _ in range(50):
        architecture = space.sample(rng)
        child = space.mutate(architecture, rng)
        assert child != architecture
        assert space.canonical(child) == child


def test_an_unknown_space_is_told_which_there_are():
    with pytest.raises(SearchError, match=r"cells, mlp.*'trees'"):
        space_of("trees")


def test_a_cell_is_encoded_by_its_edges_and_its_open_paths():
    # Of 0-1-3, 0-2-3 and 0-1-2-3 the second is closed; the others are conv3, pool3 and conv3, conv1, conv1.
    encoded = CELLS.encode(("conv3", "none", "conv1", "pool3", "conv1"))
    assert encoded[:5] == [0, 0, 0, 1, 0]
    open_paths, idle, longest, most, fewest = encoded[25:30]
    assert (open_paths, idle, longest, most, fewest) == (2, 0, 3, 3, 1)
    assert encoded[30:] == [2, 2, 2, 1, 1, 1]
    assert CELLS.encode(("none",) * 5)[25:] == [0] * 11


@pytest.mark.parametrize("name", sorted(SPACES))
def test_every_architecture_has_an_encoding_of_its_own(name):
    space = SPACES[name]
    encoded = {tuple(space.encode(each)) for each in space.architectures}
    assert len(encoded) == len(space.architectures)
