"""Classification of texts: the task's loss and metrics, and what its recipe makes of texts."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from models.catalog import CATALOG
from models.data.data import Data, Origin
from models.data.tokens import PAD, UNKNOWN, read_tokenizer
from models.errors import CatalogError
from models.recipes.text_classification import TextClassificationRecipe, _plot_mistakes, _worst
from models.tasks.text_classification import TextClassification


class Fixed(nn.Module):
    """A network whose logits for a row are those of its first token."""

    def __init__(self, logits_VK):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits_VK))

    def forward(self, tokens, lengths):
        assert len(tokens) == len(lengths)
        return self.logits[tokens[:, 0]]


def a_task(**options):
    # Probabilities 3/4 and 1/4 for token 0, the other way round for token 1.
    certain = math.log(3.0)
    return TextClassification(Fixed([[certain, 0.0], [0.0, certain]]), classes=2, **options)


BATCH = {
    "tokens": torch.tensor([[0, 5], [1, 5], [1, 0]]),
    "tokens_lengths": torch.tensor([2, 2, 1]),
    "label": torch.tensor([0, 1, 0]),
}
LOSS = -(2 * math.log(0.75) + math.log(0.25)) / 3


def test_the_loss_is_the_mean_cross_entropy():
    ((name, loss),) = a_task().losses(BATCH)
    assert name == "network"
    assert loss.item() == pytest.approx(LOSS)


def test_smoothing_shares_some_of_the_truth():
    ((_, loss),) = a_task(label_smoothing=0.2).losses(BATCH)
    even = -(math.log(0.75) + math.log(0.25)) / 2
    assert loss.item() == pytest.approx(0.8 * LOSS + 0.2 * even)


def test_metrics_are_over_all_rows_not_over_batches():
    batches = [{name: column[:1] for name, column in BATCH.items()}]
    batches += [{name: column[1:] for name, column in BATCH.items()}]
    with torch.no_grad():
        metrics = a_task().evaluate(batches)
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["loss"] == pytest.approx(LOSS)


def test_more_accuracy_is_better_and_probabilities_are_served():
    task = a_task()
    assert (task.monitor, task.monitor_mode) == ("accuracy", "max")
    served = task.served()
    assert list(served.inputs) == ["tokens", "lengths"]
    assert served.axes == {"tokens": {1: "length"}}
    with torch.no_grad():
        answer = served.module(BATCH["tokens"], BATCH["tokens_lengths"])
    assert torch.allclose(answer, torch.tensor([[0.75, 0.25], [0.25, 0.75], [0.25, 0.75]]))


def test_the_options_reach_the_optimiser():
    (group,) = a_task(weight_decay=0.3).optimizers(0.01)["network"].param_groups
    assert (group["lr"], group["weight_decay"]) == (0.01, 0.3)


TEXTS = ["a good film", "a bad film<br />indeed", "good good", "bad"]
PART = {"text": TEXTS, "label": torch.tensor([1, 0, 1, 0])}
OTHER = {"text": ["zebra film", "", "a good bad film"], "label": torch.tensor([0, 0, 1])}
OPTIONS = {"tokens": 30, "max_tokens": 3}
RECIPE = TextClassificationRecipe()


def a_learner(**options):
    origin = Origin("imdb", "embedded", "four texts", {"train": 4}, "")
    data = Data(PART, OTHER, OTHER, ("negative", "positive"), origin)
    small = {"embedding": 4, "hidden": 4}
    return RECIPE.learner(
        "lstm", CATALOG["lstm"], data, network=small, options={**OPTIONS, **options}, seed=0
    )


def test_the_vocabulary_is_of_the_training_texts():
    learner = a_learner()
    tokenizer = read_tokenizer(learner.assets["tokenizer.json"])
    assert tokenizer.token_to_id("indeed") is not None
    assert tokenizer.token_to_id("zebra") is None
    assert learner.config["vocabulary"] == tokenizer.get_vocab_size()
    assert learner.config["classes"] == 2


def test_batches_hold_the_head_of_a_text_padded():
    (batch,) = RECIPE.batches(a_learner(), OTHER, batch_size=8)
    assert batch["tokens_lengths"].tolist() == [2, 1, 3]
    assert batch["tokens"].shape == (3, 3)
    assert batch["tokens"][0, 0] == UNKNOWN
    assert batch["tokens"][1].tolist() == [UNKNOWN, PAD, PAD]
    assert batch["label"].tolist() == [0, 0, 1]


def test_an_option_that_is_none_is_named():
    with pytest.raises(CatalogError, match="odd"):
        a_learner(odd=1)


def test_a_seed_makes_the_same_weights():
    one, two = (a_learner().task.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_samples_print_answer_truth_and_text(tmp_path):
    lines = RECIPE.sample(a_learner(), PART, count=3, seed=0, folder=tmp_path)
    assert len(lines) == 3
    for line in lines:
        truth = "positive" if "good" in line else "negative"
        assert f"true {truth}" in line


def test_evidence_has_its_pictures():
    figures = RECIPE.evidence(a_learner(), PART)
    assert set(figures) == {"by_length", "confusion", "mistakes"}


def test_the_surest_mistakes_come_first():
    found = torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]]).numpy()
    assert _worst(found, torch.tensor([0, 0, 0, 1]).numpy()) == [2, 3, 1]
    assert _worst(found, torch.tensor([0, 1, 1, 0]).numpy()) == []


def test_prices_in_a_text_are_not_mathematics(tmp_path):
    _plot_mistakes(["it cost $5_000 and $x^"]).savefig(tmp_path / "mistakes.svg")
    _plot_mistakes([]).savefig(tmp_path / "none.svg")


@pytest.mark.slow
def test_the_bundle_takes_a_text():
    learner = a_learner()
    learner.task.eval()
    made = RECIPE.export(learner, {name: column[:3] for name, column in PART.items()}, tolerance=1e-4)
    assert [(each.name, each.datatype, each.shape) for each in made.inputs] == [
        ("tokens", "INT64", (-1, -1)),
        ("lengths", "INT64", (-1,)),
    ]
    assert made.outputs[0].labels == ("negative", "positive")
    assert dataclasses.asdict(made)["extras"]["tokenizer.json"] == learner.assets["tokenizer.json"]
    assert {1, 3} <= {case["rows"] for case in made.parity["cases"]}
