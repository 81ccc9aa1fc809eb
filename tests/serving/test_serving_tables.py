"""Tables and streams of records: CSV and Parquet in, CSV out, lines of JSON both ways, over HTTP."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
import requests
from pyarrow import parquet

from serving.bundle import Bundle, Input, Output
from serving.errors import InvalidInputError, TooLargeError, UnsupportedError
from serving.tables import read_csv, read_parquet, write_csv

BUNDLE = Bundle(
    name="m",
    version=1,
    task="t",
    inputs=(
        Input(name="area", datatype="FP32", kind="number"),
        Input(name="rooms", datatype="INT64", kind="number"),
        Input(name="sold", datatype="BOOL", kind="number"),
        Input(name="kind", datatype="BYTES", kind="category"),
    ),
    outputs=(Output(name="y", datatype="FP32"),),
)


def test_cells_are_what_their_column_is() -> None:
    body = '\ufeffarea,rooms,sold,kind\r\n 1.5 ,2,true,"a, ""b"""\r\n,3,0,\r\n\r\n'.encode()
    assert read_csv(body, BUNDLE, max_rows=2) == [
        {"area": 1.5, "rooms": 2, "sold": True, "kind": 'a, "b"'},
        {"area": None, "rooms": 3, "sold": False, "kind": ""},
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "expected a first line"),
        (b"area,area\n1,2", "each once"),
        (b"area,rooms\n1", "line 2: expected 2 cells, as in the first line, got 1"),
        (b"area,rooms\n1,2\nx,2", "line 3, column 'area': expected a number, got 'x'"),
        (b"area,rooms\n1,2.5", "column 'rooms': expected a number"),
        (b"sold\nmaybe", "column 'sold': expected true or false"),
        (b'area\n"1', "line 2: not CSV"),
        (b"area\n\xff", "expected CSV in UTF-8, byte 5"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(body: bytes, said: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        read_csv(body, BUNDLE, max_rows=10)
    assert said in str(raised.value)


def test_too_many_rows() -> None:
    with pytest.raises(TooLargeError, match="more than 2 rows"):
        read_csv(b"rooms\n1\n2\n3", BUNDLE, max_rows=2)


def test_labels_are_columns() -> None:
    assert write_csv([{"p": {"a": 0.25, "b": 0.75}, "y": 1}]) == b"p.a,p.b,y\r\n0.25,0.75,1\r\n"


def post(service: Any, body: Any, kind: str, **headers: str) -> requests.Response:
    headers = {"Content-Type": kind} | headers
    return requests.post(f"{service.url}/models/price/predict", data=body, headers=headers, timeout=30)


def test_a_table_in_and_out(service: Any, small: Any) -> None:
    body = "area,rooms,quality\n80,3,Good\n,2,Poor\n"
    answer = post(service, body, "text/csv; charset=utf-8", Accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    prices = [float(row["price"]) for row in csv.DictReader(io.StringIO(answer.text))]
    assert prices == [small.price(80, 3, "Good", 2000.0), small.price(None, 2, "Poor", 2000.0)]
    assert [each["price"] for each in post(service, body, "text/csv").json()["predictions"]] == prices


def test_a_wrong_cell_is_named(service: Any) -> None:
    answer = post(service, "area,rooms,quality\n80,three,Good\n", "text/csv")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "line 2, column 'rooms': expected a number, got 'three'",
    )


def test_parquet(service: Any, small: Any) -> None:
    table = pa.table({"area": [80.0, None], "rooms": [3, 2], "quality": ["Good", None]})
    file = io.BytesIO()
    parquet.write_table(table, file)
    kind = "application/vnd.apache.parquet"
    answer = post(service, file.getvalue(), kind)
    expected = [small.price(80, 3, "Good", 2000.0), small.price(None, 2, None, 2000.0)]
    assert [each["price"] for each in answer.json()["predictions"]] == expected
    assert post(service, b"PAR1 no", kind).status_code == 400


def test_a_small_parquet_file_that_unpacks_to_much_is_refused() -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["y" * 200_000]))
    numbers = pa.array([[1.0] * 1_000_000] * 20)
    for column in (texts, numbers):
        file = io.BytesIO()
        parquet.write_table(pa.table({"quality": column}), file, compression="zstd")
        assert file.tell() < 50_000
        with pytest.raises(TooLargeError, match="unpacks to over 134217728 bytes"):
            read_parquet(file.getvalue(), max_rows=5000)
    file = io.BytesIO()
    parquet.write_table(pa.table({"words": [["a"], ["b"]]}), file)
    with pytest.raises(UnsupportedError, match=r"'words\.list\.element'"):
        read_parquet(file.getvalue(), max_rows=5000)


def test_a_model_of_pictures_takes_no_table(service: Any) -> None:
    url = f"{service.url}/models/colours/predict"
    assert (
        requests.post(url, data=b"a\n1", headers={"Content-Type": "text/csv"}, timeout=30).status_code == 415
    )


def test_lines_are_answered_as_they_come(service: Any, small: Any) -> None:
    rows = [(float(number), number % 5, "Good") for number in range(1000)]

    def lines() -> Iterator[bytes]:
        for area, rooms, quality in rows:
            yield json.dumps({"area": area, "rooms": rooms, "quality": quality}).encode() + b"\n"
        yield b'{"area": 1, "rooms": "x"}\nnot json\n\n[1]\n{"rooms": 1, "quality": "Poor"}'

    with requests.post(
        f"{service.url}/models/price/predict",
        data=lines(),
        headers={"Content-Type": "application/x-ndjson"},
        stream=True,
        timeout=30,
    ) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        found = [json.loads(line) for line in answer.iter_lines()]
    assert [each["price"] for each in found[:1000]] == [small.price(*row, 2000.0) for row in rows]
    assert [each.get("line") for each in found[1000:]] == [1001, 1002, 1004, None]
    assert "rooms" in found[1000]["error"]
    assert found[1001]["error"].startswith("not JSON")
    assert found[1003]["price"] == small.price(None, 1, "Poor", 2000.0)


def test_a_line_without_end_ends_the_stream(service: Any) -> None:
    body = b'{"rooms": 1}\n' + b"x" * 3_000_000
    found = [json.loads(line) for line in post(service, body, "application/x-ndjson").iter_lines()]
    assert "price" in found[0]
    assert found[-1] == {"line": 2, "error": "a line over 1048576 bytes, the stream ends here"}


def test_contributions_over_http(service: Any, small: Any) -> None:
    url = f"{service.url}/models/price/predict"
    body = json.dumps({"area": 80, "rooms": 3, "quality": "Good"})
    answer = requests.post(f"{url}?explain=1&samples=8", data=body, timeout=30).json()
    found = answer["explanations"][0]["price"]
    assert set(found["contributions"]) == {"area", "rooms", "quality"}
    total = found["base"] + sum(found["contributions"].values())
    assert total == pytest.approx(answer["predictions"][0]["price"], rel=1e-6)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("explain=maybe", "explain must be 1 or 0"),
        ("explain=1&samples=0", "samples must be from 1 to 64"),
        ("explain=1&samples=x", "samples must be a whole number"),
        ("why=1", "unknown query key 'why', expected explain, samples or seed"),
    ],
)
def test_what_is_wrong_with_a_query_is_said(service: Any, query: str, said: str) -> None:
    url = f"{service.url}/models/price/predict?{query}"
    answer = requests.post(url, data='{"rooms": 3}', timeout=30)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_a_model_without_rows_to_compare_says_so(service: Any) -> None:
    answer = requests.post(f"{service.url}/models/ranged/predict?explain=1", data='{"x": 1}', timeout=30)
    assert (answer.status_code, "export it again" in answer.json()["error"]) == (415, True)
