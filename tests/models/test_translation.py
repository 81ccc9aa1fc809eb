"""What the recipe of translation makes of texts: tokens, the same answers in any company, BLEU."""

import pytest
import torch

from models.catalog import CATALOG
from models.data.data import Data, Origin
from models.data.tokens import BEGIN, END, PAD
from models.errors import CatalogError
from models.recipe import load_learner, save_learner
from models.recipes.translation import TranslationRecipe
from models.trainer import fit

RECIPE, ENTRY = TranslationRecipe(), CATALOG["transformer"]
NETWORK = {"width": 32, "heads": 4, "layers": 1, "hidden": 64, "dropout": 0.0}
OPTIONS = {"tokens": 120, "lowercase": True, "max_tokens": 24}
WORDS = {"Haus": "house", "Hund": "dog", "Baum": "tree", "Kind": "child"}
SOURCE = [f"Ein {one} und ein {two}." for one in WORDS for two in WORDS]
TARGET = [f"A {one} and a {two}." for one in WORDS.values() for two in WORDS.values()]
PART = {"source": SOURCE, "target": TARGET}


@pytest.fixture(scope="module")
def learner():
    origin = Origin("multi30k", "embedded", "two nouns", {"train": len(SOURCE)}, "digest")
    data = Data(PART, PART, PART, (), origin)
    made = RECIPE.learner("transformer", ENTRY, data, network=NETWORK, options=OPTIONS, seed=0)
    batches = RECIPE.batches(made, PART, batch_size=8, shuffle=True)
    fit(made.task, batches, batches, epochs=40, lr=0.005, seed=0, progress=False)
    return made


def test_targets_lie_between_begin_and_end(learner):
    for batch in RECIPE.batches(learner, PART, batch_size=5):
        lengths = batch["target_lengths"]
        for row, length in zip(batch["target"], lengths, strict=True):
            assert row[0] == BEGIN
            assert row[length - 1] == END
            assert (row[length:] == PAD).all()


def test_what_was_learnt_is_translated_and_scored(learner):
    assert RECIPE.translate(learner, SOURCE) == [text.lower() for text in TARGET]
    assert RECIPE.evaluate(learner, PART, batch_size=8)["bleu"] == pytest.approx(100)
    backwards = {"source": SOURCE, "target": TARGET[::-1]}
    assert RECIPE.evaluate(learner, backwards, batch_size=8)["bleu"] < 90


def test_a_text_is_translated_alone_as_among_others_of_any_length(learner):
    long = f"{SOURCE[1]} {SOURCE[6]}"
    texts = [SOURCE[0], long, SOURCE[9]]
    together = RECIPE.translate(learner, texts, batch_size=3)
    assert together == [RECIPE.translate(learner, [text])[0] for text in texts]


def test_the_tokenizer_comes_back_with_the_learner(learner, tmp_path):
    save_learner(learner, tmp_path)
    other = load_learner(tmp_path, ENTRY, RECIPE)
    assert RECIPE.translate(other, SOURCE[:4]) == RECIPE.translate(learner, SOURCE[:4])


def test_attention_is_drawn_for_each_example(learner):
    figures = RECIPE.evidence(learner, {"source": SOURCE * 10, "target": TARGET * 10})
    assert figures
    assert all(figure.axes for figure in figures.values())


def test_an_unknown_option_is_named(learner):
    with pytest.raises(CatalogError, match=r"Translation takes other options.*smooth"):
        RECIPE.rebuild(ENTRY, learner.task.network.config, {"smooth": 1}, ())


def test_smoothing_is_of_the_loss_alone(learner):
    batches = list(RECIPE.batches(learner, PART, batch_size=16))
    with torch.no_grad():
        before = learner.task.eval().evaluate(batches)
    learner.task.label_smoothing = 0.5
    with torch.no_grad():
        assert learner.task.evaluate(batches) == before
    learner.task.label_smoothing = 0.0
