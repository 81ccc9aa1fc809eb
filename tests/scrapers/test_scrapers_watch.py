"""A page is read again when its spec is edited, and fetched only once."""

from pathlib import Path
from typing import Any

import yaml

from scrapers.watch import watch


def test_each_edit_shows(web: Any, tmp_path: Path) -> None:
    web.page("/homes/1", web.home(1))
    path = tmp_path / "site.yaml"
    spec = web.spec()
    path.write_text(yaml.safe_dump(spec))
    edits = [
        lambda: path.write_text(yaml.safe_dump(spec | {"key": "nothing"})),
        path.unlink,
        lambda: path.write_text(yaml.safe_dump(spec)),
    ]
    waits: list[float] = []

    def edit(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) % 2 == 0:  # at every other look nothing has changed
            edits.pop(0)()

    shown = watch(web.url + "/homes/1", path, wait=edit)
    texts = [next(shown) for _ in range(4)]
    assert "price     100001.0" in texts[0]
    assert texts[1].startswith("error: ")
    assert "expected the key field 'nothing'" in texts[1]
    assert "expected a site spec to read" in texts[2]
    assert texts[3] == texts[0]
    assert web.count("/homes/1") == 1
