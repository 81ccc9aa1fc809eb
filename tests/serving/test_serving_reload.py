"""A folder that changes under a started service: what loads takes over, what is broken never does."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from tritonclient import http
from tritonclient.utils import InferenceServerException

from serving.errors import BundleError, NotFoundError
from serving.proof import Proof
from serving.repository import load_repository

QUICK = {"watch_s": 0.05}


def proof(small, bias=1000.0, **changes):
    records = ({"rooms": 2}, {"rooms": 1, "area": 7.5, "quality": "Poor"})
    prices = [[small.price(None, 2, "", bias)], [small.price(7.5, 1, "Poor", bias)]]
    return Proof.model_validate({"records": records, "outputs": {"price": prices}} | changes)


def version(running) -> int | str:
    """The version that answers, or the error."""
    answer = running.predict("price", '{"rooms": 2}').json()
    return answer.get("version", answer.get("error"))


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to this in time"
        time.sleep(0.05)


def reason(running, number: int) -> str:
    """Why a version did not load; "" when nothing is said against it."""
    failures = requests.get(f"{running.url}/models", timeout=30).json()["failures"]
    return next((each["reason"] for each in failures if each["version"] == number), "")


def test_a_new_version_takes_over_and_deleting_it_goes_back(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    running = starting(tmp_path, **QUICK)
    small.write_price(tmp_path, 2, bias=2000.0, proof=proof(small, 2000.0))
    until(lambda: version(running) == 2)
    document = requests.get(f"{running.url}/openapi.json", timeout=30).json()
    assert "/models/price/versions/2/predict" in document["paths"]
    shutil.rmtree(tmp_path / "price" / "2")
    until(lambda: version(running) == 1)
    assert "/models/price/versions/2/predict" not in str(
        requests.get(f"{running.url}/openapi.json", timeout=30).json()
    )


def test_no_answer_is_wrong_or_missing_while_versions_come_and_go(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    running = starting(tmp_path, **QUICK)
    wrong = []
    ended = False

    def ask():
        asked = 0
        with requests.Session() as session:
            while not ended:
                answer = session.post(f"{running.url}/models/price/predict", json={"rooms": 2}, timeout=30)
                bias = 1000.0 * answer.json().get("version", 0)
                asked += 1
                if answer.json().get("predictions") != [{"price": small.price(None, 2, "", bias)}]:
                    wrong.append(answer.text)
        return asked

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            for number in (2, 3, 4):
                small.write_price(tmp_path, number, bias=1000.0 * number)
                until(lambda number=number: version(running) == number)
                if number > 2:
                    shutil.rmtree(tmp_path / "price" / str(number))
                    until(lambda number=number: version(running) != number)
        finally:
            ended = True
        assert sum(each.result() for each in asking) > 20
    assert wrong == []


@pytest.mark.parametrize("fault", ["half a graph", "no bundle", "another graph", "link"])
def test_a_broken_version_never_takes_over_and_is_reported(small, tmp_path, starting, fault):
    root = tmp_path / "models"
    small.write_price(root, 1)
    running = starting(root, **QUICK)
    elsewhere = tmp_path / "elsewhere"
    small.write_price(
        elsewhere, 2, bias=2000.0, proof=proof(small, 3000.0 if fault == "another graph" else 2000.0)
    )
    made = elsewhere / "price" / "2"
    says = {
        "half a graph": "cannot be loaded",
        "no bundle": "bundle.json is missing",
        "another graph": r"row 0 of its proof: expected 'price' to be [8020.0]",
        "link": "points outside its folder",
    }[fault]
    if fault == "half a graph":
        (made / "model.onnx").write_bytes((made / "model.onnx").read_bytes()[:200])
    if fault == "no bundle":
        (made / "bundle.json").unlink()
    if fault == "link":
        shutil.copy(made / "model.onnx", tmp_path / "model.onnx")
        (made / "model.onnx").unlink()
        (made / "model.onnx").symlink_to(tmp_path / "model.onnx")
    shutil.copytree(made, root / "price" / "2", symlinks=True)
    until(lambda: reason(running, 2))
    assert says in reason(running, 2)
    assert version(running) == 1
    index = requests.post(f"{running.url}/v2/repository/index", timeout=30).json()
    assert [(each["version"], each["state"]) for each in index] == [("1", "READY"), ("2", "UNAVAILABLE")]
    small.write_price(root, 2, bias=2000.0)
    until(lambda: version(running) == 2)
    assert reason(running, 2) == ""


def test_what_is_still_being_copied_is_left_alone(small, tmp_path):
    small.write_price(tmp_path / "whole", 1)
    small.write_price(tmp_path / "whole", 2)
    root = tmp_path / "served"
    shutil.copytree(tmp_path / "whole" / "price" / "1", root / "price" / "1")
    repository = load_repository(root)
    copy = root / "price" / "2"
    copy.mkdir()
    content = (tmp_path / "whole" / "price" / "2" / "model.onnx").read_bytes()
    for size in (10, 300, len(content)):
        (copy / "model.onnx").write_bytes(content[:size])
        repository.refresh()
        assert (repository.failures, sorted(repository.models["price"])) == ([], [1])
    shutil.copy(tmp_path / "whole" / "price" / "2" / "bundle.json", copy)
    repository.refresh()
    assert sorted(repository.models["price"]) == [1]
    repository.refresh()
    assert sorted(repository.models["price"]) == [1, 2]


def test_a_served_version_stays_when_its_files_are_spoilt(small, tmp_path):
    small.write_price(tmp_path, 1)
    repository = load_repository(tmp_path)
    served = repository.get("price")
    (tmp_path / "price" / "1" / "model.onnx").write_bytes(b"spoilt")
    repository.refresh(settle=False)
    assert repository.get("price") is served
    (entry,) = repository.index()
    assert entry["state"] == "READY"
    assert "cannot be loaded" in entry["reason"]


def test_loading_and_unloading_on_request(small, tmp_path):
    small.write_price(tmp_path, 1)
    repository = load_repository(tmp_path)
    repository.unload("price")
    repository.refresh(settle=False)
    with pytest.raises(NotFoundError, match="no model 'price', only none at all"):
        repository.get("price")
    small.write_price(tmp_path, 2)
    repository.load("price")
    assert repository.get("price").bundle.version == 2
    (tmp_path / "price" / "2" / "bundle.json").write_text("{")
    with pytest.raises(BundleError, match="'price' version 2 did not load"):
        repository.load("price")
    for name in ("other", "../price", ""):
        with pytest.raises(NotFoundError):
            repository.load(name)
        with pytest.raises(NotFoundError):
            repository.unload(name)


def test_tritons_client_controls_the_models(small, tmp_path, starting):
    small.write_price(tmp_path, 1)
    small.write_ranged(tmp_path)
    running = starting(tmp_path, control=True, watch_s=0)
    with http.InferenceServerClient(running.address) as client:
        index = client.get_model_repository_index()
        assert [(each["name"], each["state"]) for each in index] == [("price", "READY"), ("ranged", "READY")]
        client.unload_model("price")
        assert not client.is_model_ready("price")
        assert client.is_model_ready("ranged")
        small.write_price(tmp_path, 2)
        client.load_model("price")
        assert client.get_model_metadata("price")["versions"] == ["1", "2"]
        with pytest.raises(InferenceServerException, match="no model 'nope'"):
            client.load_model("nope")
        with pytest.raises(InferenceServerException, match="load takes no parameters"):
            client.load_model("price", config=json.dumps({"backend": "onnxruntime"}))
    ready = requests.post(f"{running.url}/v2/repository/index", data=b'{"ready": true}', timeout=30)
    assert [each["version"] for each in ready.json()] == ["1", "2", "1"]
    refused = requests.post(f"{running.url}/v2/repository/index", data=b'{"ready": 1}', timeout=30)
    assert (refused.status_code, "ready must be true or false" in refused.text) == (400, True)


def test_a_proof_tells_numbers_texts_and_shapes(small, tmp_path):
    for changes, says in (
        ({"outputs": {"price": [[6020.0], [1.0]]}}, r"row 1 of its proof: expected 'price' to be \[1\.0\]"),
        ({"outputs": {"price": [6020.0]}}, r"of shape \(1,\), the graph \(2, 1\)"),
        ({"records": [{"rooms": "2"}, {"rooms": 1}]}, "record 0: field 'rooms'"),
    ):
        small.write_price(tmp_path, 1, proof=proof(small, **changes))
        with pytest.raises(Exception, match=says):
            load_repository(tmp_path)
    small.write_price(tmp_path, 1, proof=proof(small))
    assert Path(load_repository(tmp_path).folder) == tmp_path
