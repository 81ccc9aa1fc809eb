"""Seeds in, pictures out: normal numbers from the seed, the answer as PNG."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving import tensors
from serving.bundle import SeedForm
from serving.errors import InvalidInputError
from serving.forms.fields import MAX_RECORDS, Infer, read_field


class SeedReader:
    """Reads the seeds of one model."""

    def __init__(self, form: SeedForm) -> None:
        self.form = form

    def answer(self, document: object, infer: Infer, *, max_rows: int) -> list[dict[str, Any]]:
        """One object a seed: the picture as base64 PNG under the output's name."""
        seeds = read_field(document, self.form.field, max_rows=min(max_rows, MAX_RECORDS["seed"]))
        noise = np.stack([self._noise(seed, f"record {at}") for at, seed in enumerate(seeds)])
        pictures = infer({self.form.input: noise})[self.form.output]
        return [{self.form.output: base64.b64encode(png(picture)).decode("ascii")} for picture in pictures]

    def _noise(self, seed: Any, what: str) -> NDArray[np.float32]:
        if not tensors.is_whole(seed) or not 0 <= int(seed) < 2**64:
            raise InvalidInputError(
                f"{what}: field {self.form.field!r}: expected a whole number from 0 to 2**64 - 1, "
                f"got {tensors.shown(seed)}"
            )
        return np.random.default_rng(int(seed)).standard_normal(self.form.size).astype(np.float32)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture [channels, height, width] as PNG."""
    array = picture.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(file, "PNG")
    return file.getvalue()
