"""A spec's YAML, read so that a slip of the pen is seen."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from scrapers.errors import SpecError


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key written twice: the second would silently replace the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {twice!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path | str) -> Any:
    """What a YAML file says. Raises SpecError: no such file, not YAML, a key twice."""
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except OSError as error:
        raise SpecError(f"{path}: expected a site spec to read, got: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: expected YAML, got: {' '.join(str(error).split())}") from error
