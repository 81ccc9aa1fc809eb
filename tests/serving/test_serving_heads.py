"""What is known of heads, and what is not taken for one."""

import pytest

from serving.front import Target
from serving.heads import MAX_BYTES, MAX_HEADS, Head, Heads

HEAD = b"POST /v2/models/a/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
FOUND = Head("/v2/models/a/infer", {b"host": b"x", b"content-length": b"2"}, Target("infer", "a", None), 2)


def learned(data: bytes, head: Head = FOUND) -> Heads:
    heads = Heads()
    heads.learn(data, head)
    return heads


def test_a_head_is_known_with_any_body_of_its_length():
    heads = learned(HEAD + b"{}")
    assert heads.split(HEAD + b"[]") == (FOUND, b"[]")
    for other in (HEAD, HEAD + b"{", HEAD + b"{}x", HEAD.replace(b"x", b"y") + b"{}", b"", HEAD[:20]):
        assert heads.split(other) is None


def test_what_is_no_request_whole_and_alone_is_not_learned():
    long = HEAD.replace(b"Host: x", b"Host: " + b"x" * MAX_BYTES)
    for data in (HEAD + b"{", HEAD + b"{}" + HEAD + b"{}", b"\r\n\r\n" + HEAD + b"{}", long + b"{}"):
        heads = learned(data)
        assert heads.split(data) is None


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"x-request-id"])
def test_keys_and_ids_are_not_kept(name):
    head = FOUND._replace(headers=FOUND.headers | {name: b"mine"})
    data = HEAD.replace(b"Host", name + b": mine\r\nHost") + b"{}"
    assert learned(data, head).split(data) is None


def test_heads_are_bounded():
    heads = Heads()
    for at in range(3 * MAX_HEADS):
        heads.learn(HEAD.replace(b"x", b"%d" % at) + b"{}", FOUND)
    assert len(heads._known) <= MAX_HEADS
