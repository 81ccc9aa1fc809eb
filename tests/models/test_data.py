"""Sets of data: what is embedded, what folders hold, and what is said when they do not."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.data.augment import ImageAugment
from models.data.data import length
from models.data.embedded import EMBEDDED, english, german
from models.data.hub import convert
from models.data.load import load_data
from models.data.sequences import SequenceBatches
from models.data.tokens import fit_bpe, fit_words, read_tokenizer, tokenize, tokenizer_bytes
from models.errors import DataError


@pytest.mark.parametrize("name", sorted(EMBEDDED))
def test_every_set_has_rows_that_need_nothing_and_says_so(name):
    data = load_data(name)
    assert data.origin.source == "embedded"
    assert data.origin.rows == {split: length(getattr(data, split)) for split in data.origin.rows}
    assert sum(data.origin.rows.values()) > 400
    assert data.origin.digest == load_data(name).origin.digest


def test_splits_share_no_row():
    data = load_data("multi30k")
    parts = [set(part["source"]) for part in (data.train, data.validation, data.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


@pytest.mark.parametrize(
    ("number", "one", "two"),
    [
        (0, "null", "zero"),
        (21, "einundzwanzig", "twenty-one"),
        (30, "dreißig", "thirty"),
        (101, "einhunderteins", "one hundred and one"),
        (1017, "eintausendsiebzehn", "one thousand and seventeen"),
        (9876, "neuntausendachthundertsechsundsiebzig", "nine thousand eight hundred and seventy-six"),
    ],
)
def test_numbers_in_words(number, one, two):
    assert (german(number), english(number)) == (one, two)


def idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


def test_mnist_from_its_files(tmp_path):
    images = np.arange(20 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(20, 28, 28)
    for prefix, rows in (("train", 20), ("t10k", 5)):
        idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images[:rows])
        idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(rows, dtype=np.uint8) % 10)
    data = load_data("mnist", source="folder", folder=tmp_path)
    assert dict(data.origin.rows) == {"train": 18, "test": 5, "validation": 2}
    assert torch.equal(data.test["image"][3, 0], torch.from_numpy(images[3]))


def test_pictures_by_class_and_by_person(tmp_path):
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (32, 32), (9, 8, number)).save(tmp_path / split / label / f"{number}.png")
    data = load_data("cifar10", source="folder", folder=tmp_path, progress=False)
    assert data.labels == ("cat", "dog")
    assert data.test["image"].shape == (8, 3, 32, 32)
    people = tmp_path / "people"
    people.mkdir()
    for person in range(12):
        for number in range(2):
            Image.new("RGB", (80, 96), (person, 0, 0)).save(people / f"P{chr(65 + person)}_{number}.png")
    faces = load_data("faces", source="folder", folder=people, progress=False)
    shades = [set(part["image"][:, 0, 0, 0].tolist()) for part in (faces.train, faces.validation, faces.test)]
    assert sum(map(len, shades)) == 12
    assert faces.train["image"].shape[1:] == (3, 64, 64)


def test_reviews_and_sentences_from_their_files(tmp_path):
    for split in ("train", "test"):
        lines = [json.dumps({"text": f"a\u2028line {n}", "label": n % 2}) for n in range(20)]
        (tmp_path / f"imdb_{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert load_data("imdb", source="folder", folder=tmp_path).origin.rows["test"] == 20
    for stem in ("train", "val", "test_2016_flickr"):
        for language in ("de", "en"):
            text = "ein\n\nzwei\n" if language == "de" else "one\nx\ntwo\n"
            (tmp_path / f"{stem}.{language}.gz").write_bytes(gzip.compress(text.encode()))
    data = load_data("multi30k", source="folder", folder=tmp_path)
    assert list(data.train["target"]) == ["one", "two"]


@pytest.mark.parametrize("name", ["mnist", "cifar10", "faces", "imdb", "multi30k", "diabetes"])
def test_a_folder_without_the_files_is_named_with_what_it_should_hold(name, tmp_path):
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(DataError, match=r"expected .* it holds note.txt"):
        load_data(name, source="folder", folder=tmp_path, progress=False)


def test_a_torn_file_is_an_error_of_one_line(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b torn")
    with pytest.raises(DataError, match="could not read them"):
        load_data("mnist", source="folder", folder=tmp_path)


@pytest.mark.parametrize("arguments", [{"source": "folder"}, {"source": "moon"}])
def test_no_set_takes_the_place_of_another(arguments):
    with pytest.raises(DataError):
        load_data("mnist", **arguments)
    with pytest.raises(DataError, match="among mnist"):
        load_data("imagenet")


@pytest.mark.slow
def test_the_hubs_columns_become_ours(tmp_path):
    from datasets import ClassLabel, Dataset, DatasetDict, Features
    from datasets import Image as Picture

    names = ClassLabel(names=["cat", "dog"])
    pictures = [Image.new("RGB", (32, 32), (n, 0, 0)) for n in range(4)]
    rows = Dataset.from_dict(
        {"img": pictures, "label": [0, 1, 1, 0]}, features=Features({"img": Picture(), "label": names})
    )
    rows.to_parquet(tmp_path / "train.parquet")
    found = DatasetDict(
        {"train": Dataset.from_parquet(str(tmp_path / "train.parquet"), cache_dir=str(tmp_path))}
    )
    splits, labels = convert("cifar10", found, progress=False)
    assert labels == ("cat", "dog")
    assert splits["train"]["image"].shape == (4, 3, 32, 32)
    assert splits["train"]["label"].tolist() == [0, 1, 1, 0]


def test_sequences_are_padded_and_their_order_is_the_epochs():
    rows = [[1] * (n % 7 + 1) for n in range(30)]
    label = torch.arange(30)
    batches = SequenceBatches({"tokens": rows}, {"label": label}, batch_size=4, shuffle=True, seed=1)
    first = [batch["label"].tolist() for batch in batches]
    assert sorted(row for batch in first for row in batch) == list(range(30))
    for batch in batches:
        assert batch["tokens"].ne(0).sum(1).tolist() == batch["tokens_lengths"].tolist()
    batches.set_epoch(1)
    assert [batch["label"].tolist() for batch in batches] != first
    batches.set_epoch(0)
    assert [batch["label"].tolist() for batch in batches] == first


def test_byte_pairs_give_the_text_back():
    texts = ["Zwei junge Männer, im Freien!", "two young men are outside."] * 20
    tokenizer = read_tokenizer(tokenizer_bytes(fit_bpe(texts, 120, lowercase=True)))
    (tokens,) = tokenize(tokenizer, [texts[0]], 100)
    assert tokenizer.decode(tokens) == "zwei junge männer, im freien!"


def test_words_leave_markup_out_and_know_no_strangers():
    tokenizer = fit_words(["good film", "bad film"] * 3, 50)
    (tokens,) = tokenize(tokenizer, ["A good<br />film"], 100)
    assert tokens[0] == 3
    assert len(tokens) == 3


def test_augmentation_is_repeatable_and_rests_in_eval_mode():
    x = torch.rand(6, 3, 16, 16)
    augment = ImageAugment(flip=True, degrees=10, crop=2)
    torch.manual_seed(0)
    one = augment(x)
    torch.manual_seed(0)
    assert torch.equal(one, augment(x))
    assert not torch.equal(one, x)
    assert one.shape == x.shape
    assert torch.equal(augment.eval()(x), x)
