"""The catalogue: every network by name, with its config, its task and its search space."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial
from torch import nn

from models.arrays import ArrayNetwork
from models.errors import CatalogError
from models.task import Task
from models.tasks.adversarial import Adversarial
from models.tasks.image_classification import ImageClassification
from models.tasks.regression import Regression
from models.tasks.text_classification import TextClassification
from models.tasks.translation import Translation
from models.zoo import cell_cnn, cifar_cnn, dcgan, lstm, mlp, mnist_mlp, numpy_mlp, tabm, transformer


@dataclass(frozen=True)
class Published:
    """A figure from the literature: ``value`` of ``metric`` as our metrics files name it (None: no figure).

    ``note`` says on what, and how it differs from what we do; ``source`` where it stands.
    """

    metric: str
    value: float | None
    note: str
    source: str


@dataclass(frozen=True)
class Entry:
    """One network: ``network(config(**entries))`` builds it, ``task`` trains it.

    ``search_space`` suggests entries of the config under ``network`` and of the training under ``training``
    (``lr``, ``weight_decay``, ``batch_size``, or some of them); ``starts`` are parameters of it worth trying
    first, by name and in that order. ``data`` names the set that the zoo trains it on, ``published`` the
    figure it is measured against.
    """

    config: type[Any]
    network: Callable[[Any], nn.Module]
    task: type[Task]
    search_space: Callable[[BaseTrial], dict[str, dict[str, Any]]]
    starts: Mapping[str, Mapping[str, Any]]
    data: str
    published: Published


DIABETES = Published(
    "rmsle",
    None,
    "no figure on this split",
    "Efron et al. (2004), Least Angle Regression, Annals of Statistics 32",
)
MNIST = Published(
    "accuracy", 0.98, "MNIST, two hidden layers, 1.6% to 2.5% errors",
    "LeCun et al. (1998), Gradient-Based Learning, table on page 2288 and yann.lecun.com/exdb/mnist",
)  # fmt: skip
ONE_LAYER = Published(
    "accuracy", 0.953, "MNIST, one hidden layer of 300 units, squared error, no distortions: 4.7% errors",
    "LeCun et al. (1998), Gradient-Based Learning, section III-C and yann.lecun.com/exdb/mnist",
)  # fmt: skip
CIFAR10 = Published(
    "accuracy", 0.90, "CIFAR-10; the speed record is 94% in 2.6 s on an A100 with another network",
    "Jordan (2024), 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv 2404.00498",
)  # fmt: skip
CELLS = Published(
    "accuracy", 0.9437, "CIFAR-10, the best of 15,625 cells, 15 of them in a row and 200 epochs",
    "Dong, Yang (2020), NAS-Bench-201, table 5, arXiv 2001.00326",
)  # fmt: skip
MULTI30K = Published(
    "bleu", 36.5, "Multi30k de-en test 2016, lower-cased and tokenised, a Transformer of this size",
    "Trevett (2021), pytorch-seq2seq, part 6",
)  # fmt: skip
IMDB = Published(
    "accuracy", 0.87, "IMDB, LSTMs of this size from scratch reach 86% to 88% on its 25,000 test reviews",
    "Dai, Le (2015), Semi-supervised Sequence Learning, arXiv 1511.01432: 86.5%",
)  # fmt: skip
FACES = Published(
    "fid", None, "DCGAN on CIFAR-10 has FID 42.7 by Inception's features; ours are another network's,"
    " see models/fid.py, and not to be compared with it", "Radford et al. (2016), arXiv 1511.06434",
)  # fmt: skip

CATALOG: dict[str, Entry] = {
    "numpy_mlp": Entry(
        numpy_mlp.NumpyMLPConfig,
        ArrayNetwork,
        ImageClassification,
        numpy_mlp.search_space,
        numpy_mlp.STARTS,
        "mnist",
        ONE_LAYER,
    ),
    "mnist_mlp": Entry(
        mnist_mlp.MnistMLPConfig,
        mnist_mlp.MnistMLP,
        ImageClassification,
        mnist_mlp.search_space,
        mnist_mlp.STARTS,
        "mnist",
        MNIST,
    ),
    "cifar_cnn": Entry(
        cifar_cnn.CifarCNNConfig,
        cifar_cnn.CifarCNN,
        ImageClassification,
        cifar_cnn.search_space,
        cifar_cnn.STARTS,
        "cifar10",
        CIFAR10,
    ),
    "cell_cnn": Entry(
        cell_cnn.CellCNNConfig,
        cell_cnn.CellCNN,
        ImageClassification,
        cell_cnn.search_space,
        cell_cnn.STARTS,
        "cifar10",
        CELLS,
    ),
    "dcgan": Entry(
        dcgan.DCGANConfig, dcgan.DCGAN, Adversarial, dcgan.search_space, dcgan.STARTS, "faces", FACES
    ),
    "lstm": Entry(
        lstm.LSTMConfig, lstm.LSTM, TextClassification, lstm.search_space, lstm.STARTS, "imdb", IMDB
    ),
    "transformer": Entry(
        transformer.TransformerConfig,
        transformer.Transformer,
        Translation,
        transformer.search_space,
        transformer.STARTS,
        "multi30k",
        MULTI30K,
    ),
    "mlp": Entry(mlp.MLPConfig, mlp.MLP, Regression, mlp.search_space, mlp.STARTS, "diabetes", DIABETES),
    "tabm": Entry(
        tabm.TabMConfig, tabm.TabM, Regression, tabm.search_space, tabm.STARTS, "diabetes", DIABETES
    ),
}


def entry(name: str) -> Entry:
    """Return the entry called ``name``; raises CatalogError naming those that there are."""
    if name not in CATALOG:
        raise CatalogError(f"expected a network among {', '.join(sorted(CATALOG))}, got {name!r}")
    return CATALOG[name]
