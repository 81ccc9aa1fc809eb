"""Checkpoints are whole or absent."""

import pytest
import torch

from models.checkpoint import load_checkpoint, random_state, save_checkpoint, set_random_state
from models.errors import CheckpointError


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "deep" / "last.pt"
    save_checkpoint({"weights": {"a": torch.arange(3)}, "epoch": 4}, path)
    state = load_checkpoint(path)
    assert state["epoch"] == 4
    assert torch.equal(state["weights"]["a"], torch.arange(3))
    assert [file.name for file in path.parent.iterdir()] == ["last.pt"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "last.pt"
    save_checkpoint({"epoch": 1}, path)
    with pytest.raises(AttributeError):
        save_checkpoint({"epoch": lambda: 2}, path)
    assert load_checkpoint(path) == {"epoch": 1}


def test_an_absent_file_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="found none"):
        load_checkpoint(tmp_path / "best.pt")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"not torch"])
def test_a_torn_file_says_so_in_one_line(tmp_path, content):
    path = tmp_path / "best.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="could not read it") as raised:
        load_checkpoint(path)
    assert "\n" not in str(raised.value)


def test_random_state_comes_back():
    before = random_state()
    first = torch.rand(3)
    set_random_state(before)
    assert torch.equal(first, torch.rand(3))
