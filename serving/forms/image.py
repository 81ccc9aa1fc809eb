"""Pictures in: PNG or JPEG, as base64 or as they are, made the size and the channels that the graph takes."""

import base64
import binascii
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from serving import tensors
from serving.bundle import Bundle, ImageForm
from serving.errors import InvalidInputError, TooLargeError
from serving.forms.fields import MAX_RECORDS, Infer, read_field
from serving.records import write_predictions

MAX_PIXELS = 50_000_000
"""A picture of more is refused before it is unpacked: a few kilobytes can hold a very large one."""


class ImageReader:
    """Reads the pictures of one model."""

    def __init__(self, form: ImageForm, bundle: Bundle) -> None:
        self.form, self.bundle = form, bundle

    def answer(self, document: object, infer: Infer, *, max_rows: int) -> list[dict[str, Any]]:
        """The graph's outputs, one object a picture."""
        values = read_field(document, self.form.field, max_rows=min(max_rows, MAX_RECORDS["image"]))
        pictures = [
            self.picture(_bytes(value, f"record {at}"), f"record {at}") for at, value in enumerate(values)
        ]
        return write_predictions(self.bundle, infer({self.form.input: np.stack(pictures)}))

    def picture(self, content: bytes, what: str) -> NDArray[np.uint8]:
        """One picture as uint8 [channels, height, width]; transparency lies on white."""
        try:
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise TooLargeError(
                        f"{what}: {opened.width} x {opened.height} pixels, at most {MAX_PIXELS:,} are read"
                    )
                upright = ImageOps.exif_transpose(opened)
                if "A" in upright.getbands() or "transparency" in upright.info:
                    layer = upright.convert("RGBA")
                    upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
                plain = upright.convert("L" if self.form.channels == 1 else "RGB")
        except UnidentifiedImageError:
            raise InvalidInputError(f"{what}: expected a PNG or JPEG, got something else") from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise InvalidInputError(f"{what}: the picture is broken: {str(error)[:200]}") from None
        size = (self.form.width, self.form.height)
        if plain.size != size:
            plain = plain.resize(size, Image.Resampling.BILINEAR)
        array = np.asarray(plain, dtype=np.uint8)
        return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _bytes(value: object, what: str) -> bytes:
    """A part's own bytes, or those of base64 text, with or without `data:...;base64,` before it."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise InvalidInputError(f"{what}: expected a PNG or JPEG as base64 text, got {tensors.shown(value)}")
    text = value.partition(",")[2] if value.startswith("data:") else value
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInputError(
            f"{what}: expected a PNG or JPEG as base64 text, this is not base64"
        ) from None
