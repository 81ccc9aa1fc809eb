"""Records as a table: CSV and Parquet bodies into records, predictions into CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from serving.bundle import Bundle, Input
from serving.errors import InvalidInputError, TooLargeError, UnsupportedError

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


def media_type(header: str) -> str:
    """The media type of a Content-Type header, without its parameters."""
    return header.partition(";")[0].strip().lower()


def read_csv(body: bytes, bundle: Bundle, *, max_rows: int) -> list[dict[str, Any]]:
    """The records of a CSV with a header (RFC 4180; UTF-8, with a BOM or without); a blank cell is missing.

    Columns that are no inputs are refused. Raises InvalidInputError naming line and column, TooLargeError.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"expected CSV in UTF-8, byte {error.start} is none of it") from None
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(lines, None)
        if not header or len(set(header)) != len(header):
            raise InvalidInputError("expected a first line with the name of each column, each once")
        return list(_rows(lines, header, bundle, max_rows))
    except csv.Error as error:
        raise InvalidInputError(f"line {lines.line_num}: not CSV: {error}") from None


def _rows(lines: Any, header: list[str], bundle: Bundle, max_rows: int) -> Iterator[dict[str, Any]]:
    fields = bundle.inputs_by_name
    for number, cells in enumerate(line for line in lines if line):
        if number >= max_rows:
            raise TooLargeError(f"more than {max_rows} rows, which are the most in one request")
        if len(cells) != len(header):
            raise InvalidInputError(
                f"line {lines.line_num}: expected {len(header)} cells, as in the first line, got {len(cells)}"
            )
        yield {
            name: _value(cell, fields.get(name), lines.line_num, name)
            for name, cell in zip(header, cells, strict=True)
        }


def _value(cell: str, field: Input | None, line: int, name: str) -> Any:
    """A cell as JSON would have it; one of no input is left to what reads the record."""
    if field is None or field.kind == "category":
        return cell
    text = cell.strip()
    if not text:
        return None
    if field.datatype == "BOOL":
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in known:
            raise InvalidInputError(
                f"line {line}, column {name!r}: expected true or false, got {text[:40]!r}"
            )
        return known[text.lower()]
    try:
        return float(text) if field.datatype.startswith("FP") else int(text)
    except ValueError:
        raise InvalidInputError(
            f"line {line}, column {name!r}: expected a number, got {text[:40]!r}"
        ) from None


def read_parquet(body: bytes, *, max_rows: int) -> list[dict[str, Any]]:
    """The records of a Parquet file.

    Raises UnsupportedError without pyarrow, InvalidInputError, TooLargeError over `max_rows`.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UnsupportedError(
            "Parquet needs pyarrow: pip install 'millrace[parquet]', or send CSV"
        ) from None
    try:
        file: Any = parquet.ParquetFile(pa.BufferReader(body))  # type: ignore[no-untyped-call]
        if file.metadata.num_rows > max_rows:
            raise TooLargeError(f"{file.metadata.num_rows} rows, at most {max_rows} in one request")
        return list(file.read().to_pylist())
    except (pa.ArrowException, OSError) as error:
        raise InvalidInputError(f"not a Parquet file: {str(error)[:200]}") from None


def write_csv(predictions: list[dict[str, Any]]) -> bytes:
    """Predictions as CSV, a column an output; labels as `output.label`."""
    flat = [dict(_flat(prediction)) for prediction in predictions]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(flat[0]) if flat else [], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().encode()


def _flat(prediction: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in prediction.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{label}", each) for label, each in value.items())
        else:
            yield name, value
