"""What is found under a folder: versions side by side, broken ones reported and passed over."""

import logging

import pytest

from serving.errors import BundleError, NotFoundError, StartError
from serving.repository import load_repository


def test_the_latest_version_is_the_default(small, tmp_path):
    for version in (2, 10, 9):
        small.write_price(tmp_path, version)
    repository = load_repository(tmp_path)
    assert repository.get("price").bundle.version == 10
    assert repository.get("price", "2").bundle.version == 2
    assert [model.bundle.version for model in repository.latest()] == [10]


@pytest.mark.parametrize("version", ["3", "0", "-1", "", "x", "02", "2.0", "\u0662", "9" * 5000])
def test_another_version_is_not_found(small, tmp_path, version):
    small.write_price(tmp_path, 2)
    with pytest.raises(NotFoundError, match=r"has no version .* only \[2\]"):
        load_repository(tmp_path).get("price", version)


def test_a_broken_bundle_is_reported_and_the_others_served(small, tmp_path, caplog):
    small.write_price(tmp_path, 1)
    small.write_price(tmp_path, 2)
    (tmp_path / "price" / "2" / "model.onnx").write_bytes(b"half")
    (tmp_path / "other" / "1").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        repository = load_repository(tmp_path)
    assert repository.get("price").bundle.version == 1
    assert "price version 2 is not served" in caplog.text
    states = [(each["name"], each["version"], each["state"]) for each in repository.index()]
    assert states == [("other", "1", "UNAVAILABLE"), ("price", "1", "READY"), ("price", "2", "UNAVAILABLE")]
    with pytest.raises(BundleError, match="'price' version 2 did not load"):
        repository.get("price", "2")
    with pytest.raises(BundleError, match=r"'other' version 1 did not load: .*bundle\.json is missing"):
        repository.get("other")
    with pytest.raises(NotFoundError, match="there is no model 'third', only 'price'"):
        repository.get("third")


def test_half_written_and_foreign_folders_are_left_alone(small, tmp_path):
    small.write_price(tmp_path, 1)
    for name in ("price/.2.new-abc", "price/notes", "price/01", ".hidden/1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/price\n")
    (tmp_path / "price" / "3").write_text("a file")
    repository = load_repository(tmp_path)
    assert [each["version"] for each in repository.index()] == ["1"]


def test_nothing_to_serve_is_one_line(small, tmp_path):
    with pytest.raises(StartError, match=r"no model to serve: expected .*found none"):
        load_repository(tmp_path / "absent")
    small.write_price(tmp_path)
    (tmp_path / "price" / "1" / "bundle.json").write_text("{")
    with pytest.raises(StartError, match=r"found 1 that did not load, first: .*bundle\.json") as caught:
        load_repository(tmp_path)
    assert "\n" not in str(caught.value)
