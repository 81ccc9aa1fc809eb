"""Small requests are answered past ASGI, and nobody can tell by the answer."""

import gzip
import json
import socket
import struct
import time

import pytest
import requests

from tests.serving.slow_model import write_slow

REQUEST = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
BODY = json.dumps(REQUEST).encode()
HEAD = json.dumps(
    {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "parameters": {"binary_data_size": 12}}],
     "parameters": {"binary_data_output": True}}
).encode()  # fmt: skip
PATH = "/v2/models/numbers/infer"
CASES = {
    "plain": (PATH, BODY, {}),
    "version": ("/v2/models/numbers/versions/1/infer", BODY, {}),
    "binary": (
        PATH,
        HEAD + struct.pack("<3f", 1, 2, 3),
        {"Inference-Header-Content-Length": str(len(HEAD))},
    ),
    "id": (PATH, BODY, {"X-Request-Id": "mine"}),
    "closing": (PATH, BODY, {"Connection": "close"}),
    "packed": (PATH, gzip.compress(BODY), {"Content-Encoding": "gzip"}),
    "empty": (PATH, b"", {}),
    "broken": (PATH, b"{", {}),
    "no such model": ("/v2/models/nope/infer", BODY, {}),
    "no such version": ("/v2/models/numbers/versions/7/infer", BODY, {}),
    "size of no number": (PATH, BODY, {"Inference-Header-Content-Length": "x"}),
    "refused by the graph": (
        "/v2/models/classes/infer",
        json.dumps(
            {"inputs": [
                {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]},
                {"name": "at", "shape": [1], "datatype": "INT64", "data": [99]},
            ]}
        ).encode(),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_answers_as_the_application_does(service, case):
    path, body, headers = CASES[case]
    ours, theirs = (
        requests.post(f"{service.url}{path}{query}", data=body, headers=headers, timeout=30)
        for query in ("", "?by=asgi")
    )
    assert ours.status_code == theirs.status_code
    assert ours.content == theirs.content
    drop = {"date", "x-request-id"} - ({"x-request-id"} if headers.get("X-Request-Id") else set())
    kept = [
        {name.lower(): value for name, value in each.headers.items() if name.lower() not in drop}
        for each in (ours, theirs)
    ]
    assert kept[0] == kept[1]
    assert ours.headers.keys() == theirs.headers.keys()


def message(body: bytes = BODY, version: str = "1.1", *lines: str, path: str = PATH) -> bytes:
    head = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def talk(service, *parts: bytes, answers: int, pause_s: float = 0) -> bytes:
    """All that comes for `parts`, until so many answers are there or the connection ends."""
    host, port = service.address.split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        while got.count(b"HTTP/1.1 ") < answers or not got.endswith(b"}"):
            more = connection.recv(65536)
            if not more:
                break
            got += more
    return got


def test_requests_sent_at_once_are_answered_in_order(service):
    kinds = [message(), message(path=f"{PATH}?by=asgi"), message(b"{"), message(path=f"{PATH}?by=asgi")]
    got = talk(service, b"".join(kinds) * 5, answers=20)
    assert [each[:3] for each in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400", b"200"] * 5


def answered(connection: socket.socket, sent: bytes) -> tuple[int, bytes]:
    """The status and the body of the one answer to what is sent."""
    connection.sendall(sent)
    got = b""
    while b"\r\n\r\n" not in got or not got.endswith(b"}"):
        more = connection.recv(65536)
        assert more, f"the connection ended after {got!r}"
        got += more
    assert got.count(b"HTTP/1.1 ") == 1
    return int(got[9:12]), got.partition(b"\r\n\r\n")[2]


def of_values(*values: float) -> bytes:
    return json.dumps({"inputs": [{**REQUEST["inputs"][0], "data": values}]}).encode()


def test_a_head_that_comes_again_has_another_body(service):
    host, port = service.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for at in range(5):
            status, body = answered(connection, message(of_values(at, 2, 3)))
            expected = requests.post(f"{service.url}{PATH}?by=asgi", data=of_values(at, 2, 3), timeout=30)
            assert (status, body) == (200, expected.content)
        whole = message(of_values(5, 2, 3))
        for cut in (1, 20, len(whole) - 60, len(whole) - 1):
            connection.sendall(whole[:cut])
            time.sleep(0.02)
            assert answered(connection, whole[cut:])[0] == 200
        odd = message(b"{" + b" " * (len(of_values(5, 2, 3)) - 1))
        assert answered(connection, odd)[0] == 400
        assert answered(connection, message(of_values(6, 2, 3), path=f"{PATH}?by=asgi"))[0] == 200
        assert answered(connection, message(of_values(6, 2, 3)))[0] == 200


def test_known_heads_sent_at_once_are_answered_in_order(service):
    host, port = service.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        answered(connection, message())
        answered(connection, message(b"{"))
    kinds = [message(), message(), message(b"{"), message()]
    got = talk(service, b"".join(kinds) * 5, answers=20)
    assert [each[:3] for each in got.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"400", b"200"] * 5


@pytest.mark.slow
def test_a_connection_ends_when_it_was_quiet_and_not_before(service):
    host, port = service.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        began = time.monotonic()
        while time.monotonic() < began + 6.5:
            assert answered(connection, message())[0] == 200
            quiet = time.monotonic()
            time.sleep(1)
        assert connection.recv(1) == b""
        assert 4.5 < time.monotonic() - quiet < 9


def test_a_request_that_comes_byte_by_byte(service):
    whole = message()
    parts = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    assert b"HTTP/1.1 200" in talk(service, *parts, answers=1, pause_s=0.001)


def test_who_waits_for_100_hears_it_and_an_old_client_sees_the_end(service):
    got = talk(service, message(BODY, "1.1", "Expect: 100-continue"), answers=2)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    got = talk(service, message(BODY, "1.0"), answers=2)
    assert b"connection: close" in got


def test_a_body_over_the_limit_is_refused(service):
    got = talk(service, message(b" " * 1_000_001), answers=1)
    assert got.startswith(b"HTTP/1.1 413")


def test_deadlines_and_clients_that_leave(small, tmp_path, starting):
    write_slow(tmp_path, small.graph_bytes)
    running = starting(tmp_path, {"runs": 1, "rows_a_run": 1})
    tensor = {"name": "turns", "shape": [1, 1], "datatype": "INT64", "data": [3000]}
    long = message(json.dumps({"inputs": [tensor]}).encode(), path="/v2/models/slow/infer")
    hurried = json.dumps({"inputs": [tensor], "parameters": {"timeout": 50_000}}).encode()
    host, port = running.address.split(":")
    with socket.create_connection((host, int(port))) as working:
        working.sendall(long)
        time.sleep(0.1)
        with socket.create_connection((host, int(port))) as leaving:
            leaving.sendall(long)
            time.sleep(0.05)
        late = running.infer("slow", hurried)
        assert late.status_code == 503
        assert late.headers["Retry-After"] == "1"
        assert b"HTTP/1.1 200" in working.recv(65536)
    counted = requests.get(f"{running.url}/metrics", timeout=30).text
    assert 'millrace_requests_total{model="slow",protocol="http",status="gone",version="1"} 1.0' in counted
