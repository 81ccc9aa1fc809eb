"""API keys and other origins: off unless asked for, then on every way in."""

import json
import stat
import time

import pytest
import requests
from tritonclient import grpc
from tritonclient.utils import InferenceServerException

from serving.errors import StartError, UnauthorizedError
from serving.keys import Keys, add_key, new_key
from serving.options import Options
from serving.run import serve
from tests.serving.conftest import start, stop
from tests.serving.test_serving_grpc import house, rpc_address

REQUEST = json.dumps(
    {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
).encode()
GUARDED = [
    ("POST", "/v2/models/numbers/infer"),
    ("POST", "/v2/models/numbers/infer?by=asgi"),
    ("POST", "/models/price/predict"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/price/unload"),
    ("GET", "/v2"),
    ("GET", "/v2/models/price"),
    ("GET", "/v2/models/price/ready"),
    ("GET", "/models"),
    ("GET", "/models/price/card"),
    ("GET", "/openapi.json"),
    ("GET", "/nothing"),
]
FREE = ["/v2/health/live", "/v2/health/ready", "/", "/docs", "/static/style.css", "/metrics"]


@pytest.fixture(scope="module")
def keyed(models_folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys = [add_key(path, name) for name in ("shop", "lab")]
    running = start(
        models_folder, api_keys=str(path), open_metrics=True, grpc_port=0,
        cors_origins=["https://shop.example"],
    )  # fmt: skip
    assert running.url, running.process.communicate(timeout=20)[1]
    running.keys = keys
    yield running
    assert "Traceback" not in stop(running)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_nothing_of_the_models_is_told_without_a_key(keyed, method, path):
    for headers in (
        {},
        {"Authorization": "Bearer nope"},
        {"X-API-Key": "é"},
        {"Authorization": "Basic eA=="},
    ):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = requests.request(method, keyed.url + path, headers=raw, data=REQUEST, timeout=30)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "API key" in answer.json()["error"]


@pytest.mark.parametrize("path", FREE)
def test_health_and_bare_pages_need_none(keyed, path):
    assert requests.get(keyed.url + path, timeout=30).ok


def test_a_key_opens_the_service(keyed):
    shop, lab = keyed.keys
    bearer, header = {"Authorization": f"Bearer {shop}"}, {"X-API-Key": lab}
    for headers in (bearer, header):
        assert requests.get(f"{keyed.url}/models", headers=headers, timeout=30).ok
        for query in ("", "?by=asgi"):
            url = f"{keyed.url}/v2/models/numbers/infer{query}"
            assert requests.post(url, data=REQUEST, headers=headers, timeout=30).ok
    document = requests.get(f"{keyed.url}/openapi.json", headers=bearer, timeout=30).json()
    assert document["security"] == [{"bearer": []}, {"header": []}]
    assert document["paths"]["/v2/health/live"]["get"]["security"] == []
    assert "401" in document["paths"]["/models"]["get"]["responses"]


def test_the_log_names_the_key_and_does_not_hold_it(small, tmp_path, starting):
    small.write_price(tmp_path / "models")
    key = add_key(tmp_path / "keys.txt", "shop")
    running = starting(tmp_path / "models", api_keys=str(tmp_path / "keys.txt"), json_logs=True)
    url = f"{running.url}/models/price/predict"
    assert requests.post(url, json={"rooms": 1}, headers={"X-API-Key": key}, timeout=30).ok
    requests.post(url, json={"rooms": 1}, timeout=30)
    logged = stop(running)
    asked = [json.loads(line) for line in logged.splitlines() if "serving.requests" in line]
    assert [(each["status"], each.get("key")) for each in asked] == [("200", "shop"), ("401", None)]
    assert key not in logged


def test_grpc_asks_for_it_too(keyed):
    with grpc.InferenceServerClient(rpc_address(keyed)) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        for call in (lambda: client.infer("price", house()), client.get_server_metadata):
            with pytest.raises(InferenceServerException, match="needs an API key") as refused:
                call()
            assert "UNAUTHENTICATED" in refused.value.status()
        headers = {"authorization": f"Bearer {keyed.keys[0]}"}
        assert client.infer("price", house(), headers=headers).as_numpy("price").shape == (1, 1)


def test_other_origins_may_ask_only_where_they_are_named(keyed, service):
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    url = "/v2/models/numbers/infer"
    for origin, allowed in (("https://shop.example", True), ("https://other.example", False)):
        first = requests.options(keyed.url + url, headers={"Origin": origin, **asking}, timeout=30)
        headers = {"Origin": origin, "X-API-Key": keyed.keys[0]}
        answer = requests.post(keyed.url + url, data=REQUEST, headers=headers, timeout=30)
        for each in (first, answer):
            assert each.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    plain = requests.post(
        service.url + url, data=REQUEST, headers={"Origin": "https://a.example"}, timeout=30
    )
    assert plain.ok
    assert "Access-Control-Allow-Origin" not in plain.headers


def test_an_origin_that_is_none_is_one_line(models_folder):
    with pytest.raises(StartError, match=r"^an origin is scheme and host.*got 'shop\.example/x'$"):
        serve(Options(models_folder, port=0, cors_origins=("shop.example/x",)))


def test_a_keys_file_has_names_and_hashes_alone(tmp_path):
    path = tmp_path / "keys.txt"
    key = add_key(path, "shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key not in path.read_text()
    path.write_text(f"# ours\n\n{path.read_text().strip()}")
    other = add_key(path, "lab")
    keys = Keys(path)
    assert keys.name(f"bearer  {key}", "") == "shop"
    assert keys.name("", other) == "lab"
    for wrong in ("", key[:-1], key + "x"):
        with pytest.raises(UnauthorizedError):
            keys.name("", wrong)
    with pytest.raises(StartError, match="has a key named 'shop'"):
        add_key(path, "shop")
    with pytest.raises(StartError, match="a key's name is"):
        new_key("a b")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shop:abc", "line 1: expected name:sha256"),
        (f"# x\na:{'0' * 64}\na:{'1' * 64}", "line 3: the name 'a' is there twice"),
        ("# none\n", "has no key: `millrace serve-key NAME"),
        (None, "cannot read the API keys"),
    ],
)
def test_a_keys_file_that_is_none_is_one_line(tmp_path, text, says):
    path = tmp_path / "keys.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StartError, match=says):
        Keys(path)


def test_every_hash_is_compared(tmp_path, monkeypatch):
    compared = []
    monkeypatch.setattr("serving.keys.compare_digest", lambda a, b: compared.append(a) or a == b)
    key, line = new_key("first")
    known = line.partition(":")[2]
    path = tmp_path / "keys.txt"
    path.write_text(f"{line}\nsecond:{'0' * 64}\n")
    Keys(path).name("", key)
    assert compared == [known, "0" * 64]


def test_keys_are_read_again_when_their_file_has_changed(tmp_path, caplog):
    path = tmp_path / "keys.txt"
    shop = add_key(path, "shop")
    keys = Keys(path)
    lab = add_key(path, "lab")
    with pytest.raises(UnauthorizedError):
        keys.name(f"Bearer {lab}", "")
    keys.refresh()
    assert keys.name(f"Bearer {lab}", "") == "lab"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "shop" not in line))
    keys.refresh()
    with pytest.raises(UnauthorizedError, match="none of the service's"):
        keys.name(f"Bearer {shop}", "")
    for broken in ("", "shop: nothing"):
        path.write_text(broken)
        keys.refresh()
        assert keys.name("", lab) == "lab"
        assert "the file of API keys stays as it was" in caplog.text
        caplog.clear()
    path.unlink()
    keys.refresh()
    assert keys.name("", lab) == "lab"


def test_a_service_takes_a_new_key_and_no_longer_an_old_one(small, tmp_path, starting):
    small.write_price(tmp_path / "models")
    path = tmp_path / "keys.txt"
    old = add_key(path, "old")
    running = starting(tmp_path / "models", api_keys=str(path), watch_s=0.05)

    def status(key):
        return requests.get(f"{running.url}/models", headers={"X-API-Key": key}, timeout=30).status_code

    assert status(old) == 200
    path.write_text("")
    new = add_key(path, "new")
    deadline = time.monotonic() + 10
    while status(new) != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (status(new), status(old)) == (200, 401)
