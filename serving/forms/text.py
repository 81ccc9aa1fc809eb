"""Texts in: split by the bundle's own tokenizer, filled up to one length."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from serving.bundle import Bundle, TextForm
from serving.errors import BundleError, InvalidInputError, one_line
from serving.forms.fields import Infer, read_texts
from serving.records import write_predictions

Rows = list[list[int]]


class TextReader:
    """Reads the texts of one model."""

    def __init__(self, form: TextForm, bundle: Bundle, folder: Path) -> None:
        self.form, self.bundle = form, bundle
        self.tokenizer = load_tokenizer(folder / form.tokenizer)

    def answer(self, document: object, infer: Infer, *, max_rows: int) -> list[dict[str, Any]]:
        """The graph's outputs, one object a text."""
        texts = read_texts(document, self.form.field, max_rows=max_rows)
        tokens, lengths = padded(token_rows(self.tokenizer, texts, self.form.max_tokens), self.form.pad)
        return write_predictions(self.bundle, infer({self.form.tokens: tokens, self.form.lengths: lengths}))


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer's JSON. Raises BundleError when it is absent or broken."""
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{path} is missing: export the model again") from None
    except Exception as error:  # noqa: BLE001 - the library's errors have no root but Exception
        raise BundleError(f"{path} is no tokenizer: {one_line(error, 200)}") from None


def token_rows(tokenizer: Tokenizer, texts: list[str], max_tokens: int) -> Rows:
    """Each text's token numbers, the first `max_tokens`. Raises InvalidInputError for a text without any."""
    rows = [each.ids[:max_tokens] for each in tokenizer.encode_batch(texts, add_special_tokens=False)]
    if not all(rows):
        raise InvalidInputError(f"record {[bool(row) for row in rows].index(False)}: the text holds no word")
    return rows


def padded(rows: Rows, pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens (rows, longest) filled up with `pad`, and lengths (rows,)."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    tokens = np.full((len(rows), int(lengths.max())), pad, dtype=np.int64)
    for at, row in enumerate(rows):
        tokens[at, : len(row)] = row
    return tokens, lengths
