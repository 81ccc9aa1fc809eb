"""Sets that come with the installed packages, so that every network trains anywhere."""

import inspect
import random
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from models.data.data import Part

TEXTS_PER_CLASS = 1200
MODULES = (
    "argparse", "array", "ast", "asyncio", "bisect", "calendar", "cmath", "codecs", "collections",
    "configparser", "contextlib", "copy", "csv", "dataclasses", "datetime", "decimal", "difflib",
    "dis", "email.message", "enum", "fractions", "functools", "gzip", "heapq", "html",
    "http.client", "inspect", "io", "ipaddress", "itertools", "json", "logging", "math",
    "mimetypes", "operator", "os", "pathlib", "pickle", "platform", "pprint", "queue", "random",
    "re", "sched", "shlex", "shutil", "socket", "sqlite3", "ssl", "statistics", "string", "struct",
    "subprocess", "tarfile", "tempfile", "textwrap", "threading", "time", "tokenize", "trace",
    "traceback", "types", "typing", "unittest", "urllib.parse", "uuid", "warnings", "weakref",
    "xml.dom.minidom", "zipfile",
)  # fmt: skip


def digits() -> tuple[Part, tuple[str, ...], str]:
    """scikit-learn's digits, 1,797 pictures of 8x8, drawn at 28x28."""
    grey_N88, label_N = _digits()
    image_N1HW = torch.nn.functional.interpolate(grey_N88[:, None], size=28, mode="bilinear")
    part = {"image": (image_N1HW * 255).round().to(torch.uint8), "label": label_N}
    return part, tuple("0123456789"), "scikit-learn's 1,797 digits of 8x8, drawn at 28x28; not MNIST"


def coloured_digits(rows: int = 6000) -> tuple[Part, tuple[str, ...], str]:
    """scikit-learn's digits in one colour over a coloured gradient, at a random place of 32x32."""
    grey_N88, label_N = _digits()
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(0, len(label_N), (rows,), generator=generator)
    digit_BHW = torch.nn.functional.interpolate(grey_N88[chosen, None], size=20, mode="bilinear")[:, 0]
    place_B2 = torch.randint(0, 13, (rows, 2), generator=generator)
    mask_B1HW = torch.zeros(rows, 1, 32, 32)
    for at, (top, left) in enumerate(place_B2.tolist()):
        mask_B1HW[at, 0, top : top + 20, left : left + 20] = digit_BHW[at]
    colours_4B3 = torch.rand(4, rows, 3, 1, 1, generator=generator)
    ramp_W = torch.linspace(0, 1, 32)
    ground = colours_4B3[0] * ramp_W + colours_4B3[1] * (1 - ramp_W) + 0.3 * colours_4B3[2] * ramp_W[:, None]
    noise = 0.1 * torch.randn(rows, 3, 32, 32, generator=generator)
    image = (0.55 * ground + noise) * (1 - mask_B1HW) + (0.5 + 0.5 * colours_4B3[3]) * mask_B1HW
    part = {"image": (image.clamp(0, 1) * 255).round().to(torch.uint8), "label": label_N[chosen]}
    words = f"{rows:,} pictures of scikit-learn's digits in colour on coloured grounds; not CIFAR-10"
    return part, tuple("0123456789"), words


def photo_crops(rows: int = 2000, size: int = 64) -> tuple[Part, tuple[str, ...], str]:
    """Crops of scikit-learn's two photographs, a temple and a flower."""
    from sklearn.datasets import load_sample_images

    photos = [torch.from_numpy(np.array(photo)).permute(2, 0, 1) for photo in load_sample_images().images]
    generator = torch.Generator().manual_seed(0)
    crops = []
    for at in range(rows):
        photo = photos[at % len(photos)]
        top, left = (
            int(torch.randint(0, side - 2 * size, (), generator=generator)) for side in photo.shape[1:]
        )
        large = photo[None, :, top : top + 2 * size, left : left + 2 * size].float()
        crops.append(torch.nn.functional.avg_pool2d(large, 2)[0].round().to(torch.uint8))
    words = f"{rows:,} crops of scikit-learn's two sample photographs; no faces"
    return {"image": torch.stack(crops)}, (), words


def python_texts() -> tuple[Part, tuple[str, ...], str]:
    """Paragraphs of Python's language reference against docstrings of its standard library."""
    from pydoc_data.topics import topics

    reference = [" ".join(text.split()) for topic in sorted(topics) for text in topics[topic].split("\n\n")]
    docstrings = [" ".join(text.split()) for name in MODULES for text in _docstrings(name)]
    texts: list[str] = []
    for found in (reference, docstrings):
        long_enough = list(dict.fromkeys(text for text in found if len(text) >= 40))
        random.Random(0).shuffle(long_enough)  # noqa: S311  not for secrets
        texts += long_enough[:TEXTS_PER_CLASS]
    counts = [min(len(texts), TEXTS_PER_CLASS), len(texts) - min(len(texts), TEXTS_PER_CLASS)]
    label = torch.tensor([0] * counts[0] + [1] * counts[1])
    words = f"{len(texts):,} texts that ship with Python: its reference against docstrings; no reviews"
    return {"text": texts, "label": label}, ("reference", "docstring"), words


def number_words(rows: int = 8000) -> tuple[Part, tuple[str, ...], str]:
    """Numbers below 10,000 in words, German and English."""
    chosen = random.Random(0).sample(range(10_000), rows)  # noqa: S311  not for secrets
    pairs = [(german(number), english(number)) for number in chosen]
    words = f"{rows:,} numbers below 10,000 in German and English words; not Multi30k"
    return {"source": [one for one, _ in pairs], "target": [two for _, two in pairs]}, (), words


def diabetes() -> tuple[Part, tuple[str, ...], str]:
    """The diabetes table of Efron et al. (2004): ten measures of a patient, the disease a year later."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    part = {"x": torch.tensor(x, dtype=torch.float32), "y": torch.tensor(y, dtype=torch.float32)}
    return part, (), "scikit-learn's diabetes table: 442 patients, ten measures"


def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return torch.tensor(found.images, dtype=torch.float32) / 16, torch.tensor(found.target, dtype=torch.int64)


def _docstrings(name: str) -> Iterator[str]:
    """The module's docstring, then those of its public parts and their methods, by paragraph."""
    with warnings.catch_warnings():
        # Old names that a module keeps warn when they are looked at.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield from _paragraphs(import_module(name))


def _paragraphs(module: ModuleType) -> Iterator[str]:
    found = [module, *(member for key, member in sorted(vars(module).items()) if not key.startswith("_"))]
    for part in found:
        methods = (
            [value for key, value in sorted(vars(part).items()) if not key.startswith("_")]
            if (inspect.isclass(part))
            else []
        )
        for each in (part, *methods):
            if isinstance(each, str | bytes | int | float | tuple | list | dict):
                continue
            yield from (inspect.getdoc(each) or "").split("\n\n")


ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
ENGLISH = [*ONES.split(), "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
EINS = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
)
GERMAN = [*EINS.split(), "siebzehn", "achtzehn", "neunzehn"]
ZIG = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]


def english(number: int) -> str:
    """Return a number below 10,000 in English words."""
    if number < 20:
        return ENGLISH[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return TENS[ten - 2] + (f"-{ENGLISH[one]}" if one else "")
    if number < 1000:
        hundred, rest = divmod(number, 100)
        return f"{ENGLISH[hundred]} hundred" + (f" and {english(rest)}" if rest else "")
    thousand, rest = divmod(number, 1000)
    joint = " and " if rest < 100 else " "
    return f"{ENGLISH[thousand]} thousand" + (f"{joint}{english(rest)}" if rest else "")


def german(number: int) -> str:
    """Return a number below 10,000 in German words."""
    if number < 20:
        return GERMAN[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return (f"{_ein(one)}und" if one else "") + ZIG[ten - 2]
    if number < 1000:
        hundred, rest = divmod(number, 100)
        return f"{_ein(hundred)}hundert" + (german(rest) if rest else "")
    thousand, rest = divmod(number, 1000)
    return f"{_ein(thousand)}tausend" + (german(rest) if rest else "")


def _ein(number: int) -> str:
    return "ein" if number == 1 else GERMAN[number]


EMBEDDED: dict[str, Callable[[], tuple[Part, tuple[str, ...], str]]] = {
    "mnist": digits,
    "cifar10": coloured_digits,
    "faces": photo_crops,
    "imdb": python_texts,
    "multi30k": number_words,
    "diabetes": diabetes,
}
"""By the set that it stands in for: all rows, the classes, and what they are in words."""
