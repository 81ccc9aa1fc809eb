"""A canary answers its share, always the same requests; a shadow answers nobody and is compared."""

import json
import os
import time

import numpy as np
import pytest
import requests
from tritonclient import grpc

from serving.errors import StartError
from serving.shadow import difference
from serving.traffic import Traffic
from tests.serving.test_serving_grpc import house, rpc_address
from tests.serving.test_serving_metrics import samples

RECORD = {"rooms": 1, "area": 10, "quality": "Good"}


@pytest.fixture
def traffic(tmp_path):
    def write(text: str) -> Traffic:
        path = tmp_path / "traffic.yaml"
        path.write_text(text)
        return Traffic(path)

    return write


def body(rooms=1) -> bytes:
    kinds = (("area", "FP32", 10.0), ("rooms", "INT64", rooms), ("quality", "BYTES", "Good"))
    return json.dumps(
        {"inputs": [{"name": n, "shape": [1, 1], "datatype": kind, "data": [v]} for n, kind, v in kinds]}
    ).encode()


def versions(running, path, count=200) -> list[str]:
    """Which version answered each of so many ids."""
    found = []
    with requests.Session() as session:
        for at in range(count):
            data = body() if path.endswith("infer") else json.dumps(RECORD)
            url = running.url + path
            answer = session.post(url, data=data, headers={"X-Request-Id": f"id-{at}"}, timeout=30).json()
            found.append(str(answer.get("model_version") or answer["version"]))
    return found


def test_a_canary_answers_its_share_and_a_shadow_nobody(small, tmp_path, starting):
    for version, bias in ((1, 1000.0), (2, 1100.0), (3, 1001.0)):
        small.write_price(tmp_path / "models", version, bias)
    routes = tmp_path / "traffic.yaml"
    routes.write_text("price: {canary: {version: 2, share: 0.25}, shadow: {version: 3, share: 0.5}}")
    running = starting(tmp_path / "models", traffic=str(routes), grpc_port=0, watch_s=0.2)
    assert "price  canary: version 2, 0.25 of the requests\n" in running.greeting
    assert requests.get(f"{running.url}/models/price", timeout=30).json()["version"] == 1
    first = versions(running, "/v2/models/price/infer")
    assert 30 < first.count("2") < 75
    assert set(first) == {"1", "2"}
    assert versions(running, "/v2/models/price/infer") == first
    assert versions(running, "/models/price/predict") == first
    assert set(versions(running, "/v2/models/price/versions/3/infer", 20)) == {"3"}
    with grpc.InferenceServerClient(rpc_address(running)) as client:
        told = [
            client.infer("price", house(), headers={"x-request-id": f"id-{at}"}).get_response().model_version
            for at in range(60)
        ]
    assert told == first[:60]
    counted = samples(running)
    copies = counted["millrace_shadow_requests_total", "price", "compared", "3", "1"]
    assert copies == (3 * first.count("1") + told.count("1")) // 2
    assert counted["millrace_shadow_difference_count", "price", "3", "1"] == copies
    one = 1 / small.price(10, 1, "Good", 1001.0)
    assert counted["millrace_shadow_difference_sum", "price", "3", "1"] == pytest.approx(
        copies * one, rel=0.01
    )

    routes.write_text("price: {canary: {version: 2, share: 1}}")
    os.utime(routes, (1, 1))
    ends = time.monotonic() + 20
    while set(versions(running, "/v2/models/price/infer", 20)) != {"2"}:
        assert time.monotonic() < ends
    assert requests.get(f"{running.url}/models/price", timeout=30).json()["version"] == 3


def test_a_shadow_that_cannot_answer_harms_nobody(small, tmp_path, starting):
    small.write_price(tmp_path / "models", 1)
    small.write_echo(tmp_path / "models", "price", {"x": "FP32"}, 3)
    (tmp_path / "models" / "price" / "1").rename(tmp_path / "models" / "price" / "9")
    other = tmp_path / "models" / "price" / "9" / "bundle.json"
    other.write_text(other.read_text().replace('"version": 1', '"version": 9'))
    small.write_price(tmp_path / "models", 1)
    routes = tmp_path / "traffic.yaml"
    routes.write_text("price: {shadow: {version: 9}}")
    running = starting(tmp_path / "models", traffic=str(routes))
    assert set(versions(running, "/v2/models/price/infer", 20)) == {"1"}
    assert samples(running)["millrace_shadow_requests_total", "price", "failed", "9", "1"] == 20


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("price: {canary: {version: 2, share: 1.5}}", "price.canary.share: .*less than or equal to 1"),
        ("price: {canari: {version: 2}}", "price.canari: Extra inputs"),
        ("price: {canary: {version: 2}, shadow: {version: 2}}", "version 2 is both canary and shadow"),
        ("[price]", "the file: Input should be a valid dictionary"),
        ("price: {", "cannot read the traffic"),
    ],
)
def test_a_file_that_is_none_of_traffic_is_one_line(traffic, text, says):
    with pytest.raises(StartError, match=says) as told:
        traffic(text)
    assert "\n" not in str(told.value)


def test_a_change_is_taken_in_and_a_broken_one_is_not(traffic, tmp_path, caplog):
    routes = traffic("price: {canary: {version: 2}}")
    assert routes.canary("price", "any") == 2
    (tmp_path / "traffic.yaml").write_text("price: {canary: {version: 33}}")
    routes.refresh()
    assert routes.canary("price", "any") == 33
    assert routes.canary("other", "any") is None
    (tmp_path / "traffic.yaml").write_text("price: {")
    routes.refresh()
    (tmp_path / "traffic.yaml").unlink()
    routes.refresh()
    assert routes.canary("price", "any") == 33
    assert caplog.text.count("the traffic stays as it was: cannot read the traffic") == 2


def test_differences_are_relative_and_what_cannot_be_compared_is_another_answer():
    one = {"a": np.array([1.0, 2.0, np.nan]), "b": np.array(["x"], object)}
    assert difference(one, one) == 0
    assert difference({"a": one["a"]}, {"a": np.array([1.0, 4.0, np.nan])}) == 0.5
    assert difference({"a": one["a"]}, {"a": np.array([1.0, 2.0, 3.0])}) == 1
    assert difference(one, {**one, "b": np.array(["y"], object)}) == 1
    assert difference(one, {"a": one["a"]}) == 1
    assert difference({"a": np.array([0.0])}, {"a": np.array([0.0])}) == 0
    assert difference({"a": np.array([True])}, {"a": np.array([False])}) == 1
