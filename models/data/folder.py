"""Sets from a local folder, in the forms in which people have them; every reader gives splits by name."""

import csv
import gzip
import io
import json
import lzma
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from models.data.data import Part
from models.errors import DataError

PICTURES = {".jpg", ".jpeg", ".png"}
Splits = dict[str, Part]
Found = tuple[Splits, tuple[str, ...]]


def read_folder(name: str, folder: Path, *, progress: bool = True) -> Found:
    """Read the set ``name`` from ``folder``: splits among train, validation and test, and the classes.

    Raises DataError naming the files that were expected and what is there.
    """
    if not folder.is_dir():
        raise DataError(f"expected a folder with {EXPECTED[name]}, {folder} is none; mend data_dir")
    try:
        return READERS[name](folder, progress)
    except FileNotFoundError as error:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise DataError(
            f"expected {EXPECTED[name]} in {folder}, {error.args[0]} is not there; it holds {there}"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
        raise DataError(f"expected {EXPECTED[name]} in {folder}, could not read them: {error}") from error


def _mnist(folder: Path, _progress: bool) -> Found:
    """The four idx files of yann.lecun.com/exdb/mnist, gzipped or not."""
    folder = folder / "mnist" if (folder / "mnist").is_dir() else folder
    splits: Splits = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        image = torch.from_numpy(_idx(folder, f"{prefix}-images-idx3-ubyte"))[:, None]
        label = torch.from_numpy(_idx(folder, f"{prefix}-labels-idx1-ubyte")).long()
        splits[split] = {"image": image, "label": label}
    return splits, tuple("0123456789")


def _idx(folder: Path, stem: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """One idx file: two zero bytes, type 8 (unsigned byte), the rank, big-endian sizes, the bytes."""
    content = _text_or_gz(folder, (stem, stem.replace("-idx", ".idx")))
    rank = content[3]
    shape = np.frombuffer(content, ">u4", count=rank, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * rank)
    return values.reshape(tuple(int(size) for size in shape)).copy()


def _cifar10(folder: Path, progress: bool) -> Found:
    """Class folders of pictures below train/ and test/, unpacked or in one tar."""
    pictures: dict[tuple[str, str], list[Tensor]] = {}
    for path, content in _pictures(folder, "cifar10*.tar*", progress):
        match = re.search(r"(train|test)/([^/]+)/[^/]+$", path)
        if match:
            pictures.setdefault((match[1], match[2]), []).append(_decoded(content, 32))
    labels = tuple(sorted({label for _, label in pictures}))
    splits: Splits = {}
    for split in ("train", "test"):
        found = [(at, image) for at, label in enumerate(labels) for image in pictures.get((split, label), [])]
        if not found:
            raise FileNotFoundError(f"a picture below {split}/CLASS/")
        numbers = torch.tensor([at for at, _ in found])
        splits[split] = {"image": torch.stack([image for _, image in found]), "label": numbers}
    return splits, labels


def _faces(folder: Path, progress: bool) -> Found:
    """Pictures of faces, cropped; those of one person (the name before a number) stay in one split."""
    splits: dict[str, list[Tensor]] = {"train": [], "validation": [], "test": []}
    people: dict[str, int] = {}
    for path, content in sorted(_pictures(folder, "*face*.tar*", progress)):
        person = re.sub(r"_?\d+$", "", Path(path).stem) or path
        place = people.setdefault(person, len(people)) % 10
        splits["validation" if place == 8 else "test" if place == 9 else "train"].append(
            _decoded(content, 64)
        )
    if not splits["train"] or not splits["validation"] or not splits["test"]:
        raise FileNotFoundError("a picture of each of ten people or more")
    return {split: {"image": torch.stack(images)} for split, images in splits.items()}, ()


def _pictures(folder: Path, pattern: str, progress: bool) -> Iterator[tuple[str, bytes]]:
    """Each picture's path and bytes, from the tar that fits ``pattern`` or from the folder's files."""
    tars = sorted(folder.glob(pattern))
    if tars:
        with tarfile.open(tars[0]) as archive, tqdm(unit="file", disable=not progress, leave=False) as bar:
            for member in archive:
                file = archive.extractfile(member) if Path(member.name).suffix.lower() in PICTURES else None
                if file is not None:
                    bar.update()
                    yield member.name, file.read()
        return
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    for path in tqdm(paths, unit="file", disable=not progress, leave=False):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def _decoded(content: bytes, size: int) -> Tensor:
    """RGB uint8 [3, size, size]: the middle square, made smaller or larger where it is not that size."""
    with Image.open(io.BytesIO(content)) as opened:
        picture = opened.convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    if picture.size != (size, size):
        picture = picture.crop((left, top, left + side, top + side)).resize((size, size))
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def _imdb(folder: Path, _progress: bool) -> Found:
    """``train`` and ``test`` as JSON lines (plain, gz or xz), or train/{neg,pos}/*.txt as first published."""
    splits: Splits = {}
    for split in ("train", "test"):
        files = sorted(folder.glob(f"imdb*{split}*.jsonl*")) or sorted(folder.glob(f"{split}*.jsonl*"))
        rows = _review_lines(files[0]) if files else _review_files(folder / split)
        texts, labels = zip(*rows, strict=True) if rows else ((), ())
        if not texts:
            raise FileNotFoundError(f"imdb_{split}.jsonl or {split}/neg/*.txt")
        splits[split] = {"text": list(texts), "label": torch.tensor(labels)}
    return splits, ("negative", "positive")


def _review_lines(path: Path) -> list[tuple[str, int]]:
    rows = [json.loads(line) for line in _unpacked(path).decode().split("\n") if line]
    return [(row["text"], int(row["label"])) for row in rows if int(row["label"]) in (0, 1)]


def _review_files(folder: Path) -> list[tuple[str, int]]:
    return [
        (path.read_text(encoding="utf-8"), label)
        for label, kind in enumerate(("neg", "pos"))
        for path in sorted((folder / kind).glob("*.txt"))
    ]


def _multi30k(folder: Path, _progress: bool) -> Found:
    """Line files train, val and test_2016_flickr (or test), .de and .en, plain or gz."""
    folder = folder / "multi30k" if (folder / "multi30k").is_dir() else folder
    splits: Splits = {}
    stems = {
        "train": ("train",),
        "validation": ("val", "valid"),
        "test": ("test_2016_flickr", "flickr30k", "test"),
    }
    for split, names in stems.items():
        pair = [
            _text_or_gz(folder, tuple(f"{name}.{language}" for name in names))
            .decode()
            .rstrip("\n")
            .split("\n")
            for language in ("de", "en")
        ]
        if len(pair[0]) != len(pair[1]):
            raise DataError(
                f"expected as many lines in {split}.de as in {split}.en, got {list(map(len, pair))}"
            )
        kept = [
            (one.strip(), two.strip()) for one, two in zip(*pair, strict=True) if one.strip() and two.strip()
        ]
        splits[split] = {"source": [one for one, _ in kept], "target": [two for _, two in kept]}
    return splits, ()


def _diabetes(folder: Path, _progress: bool) -> Found:
    """``diabetes.csv``: ten numbers and, last, the target, with a header."""
    with (folder / "diabetes.csv").open(encoding="utf-8") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    table = torch.tensor(rows, dtype=torch.float32)
    return {"train": {"x": table[:, :-1], "y": table[:, -1]}}, ()


def _text_or_gz(folder: Path, stems: tuple[str, ...]) -> bytes:
    for stem in stems:
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return _unpacked(path)
    raise FileNotFoundError(f"{stems[0]} or {stems[0]}.gz")


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(content)
    return lzma.decompress(content) if path.suffix == ".xz" else content


READERS: dict[str, Callable[[Path, bool], Found]] = {
    "mnist": _mnist,
    "cifar10": _cifar10,
    "faces": _faces,
    "imdb": _imdb,
    "multi30k": _multi30k,
    "diabetes": _diabetes,
}
EXPECTED = {
    "mnist": "MNIST's idx files (train-images-idx3-ubyte.gz and the three others)",
    "cifar10": "cifar10*.tar, or pictures as train/CLASS/*.png and test/CLASS/*.png",
    "faces": "*face*.tar, or pictures named PERSON_NUMBER.jpg",
    "imdb": "imdb_train.jsonl and imdb_test.jsonl (or .gz, .xz), or train/{neg,pos}/*.txt and test/...",
    "multi30k": "train.de, train.en, val.de, val.en, test_2016_flickr.de, test_2016_flickr.en (or .gz)",
    "diabetes": "diabetes.csv: ten numbers and the target",
}
"""What a folder must hold, by set."""
