"""The routes for people and programs, on a started service."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


def get(service, path):
    response = requests.get(service.url + path, timeout=30)
    assert response.status_code == 200
    return response.json()


def test_the_protocols_documents(service):
    assert get(service, "/v2/health/live") == {"live": True}
    assert get(service, "/v2/health/ready") == {"ready": True}
    assert get(service, "/v2")["name"] == "millrace"
    assert get(service, "/v2/models/price/ready") == {"name": "price", "ready": True}
    assert get(service, "/v2/models/price/versions/1")["outputs"][0]["datatype"] == "FP32"


def test_the_list_and_the_card_of_a_model(service):
    listed = {model["name"]: model for model in get(service, "/models")["models"]}
    assert listed["price"]["versions"] == [1, 2]
    assert listed["price"]["version"] == 2
    card = get(service, "/models/price/versions/1")
    assert card["version"] == 1
    assert card["inputs"][0]["unit"] == "sqft"
    assert card["example"] == {"area": 120.0, "rooms": 4, "quality": "Good"}


def test_predictions_by_records(small, service):
    answer = service.predict("price", '[{"rooms": 2}, {"rooms": 1, "area": 7.5, "quality": "Poor"}]').json()
    prices = [small.price(None, 2, "", 2000), small.price(7.5, 1, "Poor", 2000)]
    assert answer == {"model": "price", "version": 2, "predictions": [{"price": price} for price in prices]}
    one = service.predict("price", '{"rooms": 2}').json()
    assert one["predictions"] == answer["predictions"][:1]
    older = requests.post(
        f"{service.url}/models/price/versions/1/predict", json={"rooms": 2}, timeout=30
    ).json()
    assert older == {"model": "price", "version": 1, "predictions": [{"price": small.price(None, 2, "")}]}


def test_predictions_by_label(service):
    (answer,) = service.predict("classes", '{"x": [3, 2, 1, 0], "at": 1}').json()["predictions"]
    assert list(answer["probability"]) == ["cat", "dog", "owl"]
    assert sum(answer["probability"].values()) == pytest.approx(1, abs=1e-6)


def test_null_is_a_missing_value_in_a_tensor_too(small, service):
    tensors = [
        {"name": "area", "shape": [2, 1], "datatype": "FP32", "data": [None, 5]},
        {"name": "rooms", "shape": [2, 1], "datatype": "INT64", "data": [[1], [2]], "parameters": None},
        {"name": "quality", "shape": [2, 1], "datatype": "BYTES", "data": ["Good", None]},
    ]
    request = {"id": None, "inputs": tensors, "outputs": None, "parameters": {"sequence_id": 4}}
    answer = service.infer("price", json.dumps(request).encode()).json()
    expected = [small.price(None, 1, "Good", 2000), small.price(5, 2, "", 2000)]
    assert answer["outputs"] == [{"name": "price", "shape": [2, 1], "datatype": "FP32", "data": expected}]
    assert "id" not in answer


def test_a_raw_body_is_the_only_input(service):
    answer = service.infer("numbers", struct.pack("<3f", 1, 2, 3), 0)
    size = int(answer.headers["Inference-Header-Content-Length"])
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert json.loads(answer.content[:size])["outputs"][0]["parameters"] == {"binary_data_size": 12}
    assert struct.unpack("<3f", answer.content[size:]) == (1, 2, 3)
    text = service.infer("words", "naïve".encode(), 0)
    size = int(text.headers["Inference-Header-Content-Length"])
    assert text.content[size:] == struct.pack("<I", 6) + "naïve".encode()
    refused = service.infer("price", b"x", 0)
    assert refused.status_code == 400
    assert "needs a model of one input" in refused.json()["error"]


def test_a_binary_default_for_all_outputs(service):
    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
    request = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    answer = service.infer("numbers", json.dumps(request).encode())
    assert answer.content.endswith(struct.pack("<3f", 1, 2, 3))


@pytest.mark.parametrize("rows", [1, 499])
def test_answers_stay_with_their_requests_under_concurrency(small, service, rows):
    def ask(at):
        records = [{"rooms": row, "area": float(at), "quality": "Good"} for row in range(rows)]
        answer = session.post(f"{service.url}/models/price/predict", json=records, timeout=60).json()
        expected = [small.price(at, row, "Good", 2000) for row in range(rows)]
        return [each["price"] for each in answer["predictions"]] == expected

    with requests.Session() as session, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(120 if rows == 1 else 16)))


def test_the_document_describes_every_model_truly(service):
    document = get(service, "/openapi.json")
    paths, parts = document["paths"], document["components"]["schemas"]
    predict = paths["/models/price/predict"]["post"]
    body = predict["requestBody"]["content"]["application/json"]
    record = parts["price.2.record"]
    assert record["required"] == ["rooms"]
    assert record["additionalProperties"] is False
    assert record["properties"]["area"]["type"] == ["number", "null"]
    assert "Seen in training: 20 to 400" in record["properties"]["area"]["description"]
    assert service.predict("price", json.dumps(body["example"])).status_code == 200
    assert parts["classes.1.prediction"]["properties"]["probability"]["required"] == ["cat", "dog", "owl"]
    assert parts["numbers.1.record"]["properties"]["x"]["maxItems"] == 3
    assert "/models/price/versions/1/predict" in paths
    assert {"get"} == paths["/v2/models/{name}/ready"].keys()
    infer = paths["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    model = next(model["name"] for model in get(service, "/models")["models"])
    assert service.infer(model, json.dumps(infer).encode()).status_code == 200
    references = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert references <= parts.keys()
    assert "422" not in json.dumps(paths)
    assert "ValidationError" not in json.dumps(document)


def test_the_documents_every_get_route_answers(service):
    for path, operations in get(service, "/openapi.json")["paths"].items():
        if "get" in operations:
            assert get(service, path.replace("{name}", "price").replace("{version}", "2"))


def test_a_lone_request_does_not_wait_for_the_network_stack(service):
    """Answers in two packets with Nagle's algorithm on take 40 ms each."""
    with requests.Session() as session:
        took = [session.get(f"{service.url}/v2/health/live", timeout=30).elapsed for _ in range(9)]
    assert sorted(took)[4].total_seconds() < 0.03
