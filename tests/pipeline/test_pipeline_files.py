import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import InputError
from pipeline.files import read_json, read_parquet, whole_file, whole_folder, write_json, write_parquet


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"kept": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(target, {"bad": float("nan")})
    assert json.loads(target.read_text()) == {"kept": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_interrupted_file_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a") as fresh:
        fresh.write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("old")
    with whole_folder(folder) as fresh:
        (fresh / "new").write_text("new")
        assert (folder / "old").exists()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old").write_text("old")
    with pytest.raises(RuntimeError), whole_folder(folder) as fresh:
        (fresh / "new").write_text("half")
        raise RuntimeError
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_tables_come_back_with_their_types(tmp_path: Path) -> None:
    frame = pd.DataFrame({"key": ["01", "02"], "size": [1.5, None], "kind": ["a", None]})
    write_parquet(tmp_path / "t.parquet", frame)
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "t.parquet"), frame)


@pytest.mark.parametrize("read", [read_json, read_parquet])
def test_an_absent_or_torn_input_says_what_to_do(read: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run the stages before this one"):
        read(tmp_path / "absent")  # type: ignore[operator]
    (tmp_path / "torn").write_bytes(b"PAR1 {")
    with pytest.raises(InputError, match="run the stage that writes it again"):
        read(tmp_path / "torn")  # type: ignore[operator]
