"""The files of a bundle: written whole, read back.

Layout, as Triton lays out its model repository: `<root>/<name>/<version>/{model.onnx,bundle.json,...}`.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from serving.bundle import Bundle
from serving.errors import BundleError

MODEL_FILE = "model.onnx"
BUNDLE_FILE = "bundle.json"
CARD_FILE = "model_card.md"


def write_bundle(
    folder: Path, model_bytes: bytes, bundle: Bundle, extras: Mapping[str, bytes | JsonValue] | None = None
) -> None:
    """Write `<root>/<name>/<version>` at one stroke: an earlier folder stays until the new one is whole.

    `extras` are further files by name, bytes as they are and anything else as JSON (NaN is refused).
    A bundle with a card gets model_card.md, for whoever has only the folder. Raises BundleError when `folder`
    does not end in the bundle's own name and version.
    """
    if folder.name != str(bundle.version) or folder.absolute().parent.name != bundle.name:
        raise BundleError(
            f"bundle folder must end in {bundle.name}/{bundle.version}, not {folder}: rename one of them"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
    try:
        fresh.chmod(0o755)
        (fresh / MODEL_FILE).write_bytes(model_bytes)
        (fresh / BUNDLE_FILE).write_text(bundle.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if bundle.card is not None:
            # Late: a service writes no bundle, and starts sooner without YAML.
            from serving.card_markdown import card_markdown

            (fresh / CARD_FILE).write_text(card_markdown(bundle, bundle.card), encoding="utf-8")
        for name, content in (extras or {}).items():
            if name in (MODEL_FILE, BUNDLE_FILE, CARD_FILE) or Path(name).name != name:
                raise BundleError(f"an extra file of a bundle needs a plain name of its own, not {name!r}")
            _write_extra(fresh / name, content)
        _swap(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write_extra(path: Path, content: bytes | JsonValue) -> None:
    """Write one further file of a bundle."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _swap(fresh: Path, folder: Path) -> None:
    """Put `fresh` in the place of `folder`; on failure the old folder is back where it was."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = fresh.with_name(fresh.name.replace(".new-", ".old-"))
    folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old)


def read_bundle(folder: Path) -> Bundle:
    """Read `folder`/bundle.json. Raises BundleError, in one line, when it is absent or not a bundle."""
    path = folder / BUNDLE_FILE
    try:
        bundle = Bundle.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BundleError(f"{path} is missing: export the model again") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise BundleError(f"{path} is no bundle: {_first_fault(error)}") from None
    if (folder.absolute().parent.name, folder.name) != (bundle.name, str(bundle.version)):
        raise BundleError(f"{path} describes {bundle.name}/{bundle.version}, which is not its folder")
    return bundle


def _first_fault(error: ValidationError) -> str:
    """The first fault of a pydantic error in one line, with the place it was found at."""
    fault = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    message = " ".join(fault["msg"].split())
    return f"{place}: {message}" if place else message
