"""Records as a table: CSV and Parquet bodies into records, predictions into CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from serving.bundle import Bundle, Input
from serving.errors import InvalidInputError, TooLargeError, UnsupportedError

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
MAX_UNPACKED_BYTES = 128 * 1024 * 1024


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
    """The records of a Parquet file that unpacks to at most 128 MiB.

    Raises UnsupportedError without pyarrow or for lists of texts, InvalidInputError, TooLargeError.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise UnsupportedError(
            "Parquet needs pyarrow: pip install 'millrace[parquet]', or send CSV"
        ) from None
    try:
        metadata: Any = parquet.read_metadata(pa.BufferReader(body))  # type: ignore[no-untyped-call]
        if metadata.num_rows > max_rows:
            raise TooLargeError(f"{metadata.num_rows} rows, at most {max_rows} in one request")
        texts = _texts(metadata)
        # A text that many rows share is kept once until its size in all of them is known.
        table: Any = parquet.read_table(pa.BufferReader(body), read_dictionary=texts)  # type: ignore[no-untyped-call]
        _bound(sum(_text_bytes(table[name]) for name in texts))
        return list(table.to_pylist())
    except (pa.ArrowException, OSError) as error:
        raise InvalidInputError(f"not a Parquet file: {str(error)[:200]}") from None


def _texts(metadata: Any) -> list[str]:
    """The columns of texts. Raises TooLargeError when all else, and the pages, take too much."""
    schema = metadata.schema
    leaves = [schema.column(at) for at in range(len(schema.names))]
    parts = [
        metadata.row_group(group).column(at)
        for group in range(metadata.num_row_groups)
        for at in range(len(leaves))
    ]
    widths = [max(8, leaf.length) for leaf in leaves] * metadata.num_row_groups
    _bound(sum(max(p.total_uncompressed_size, p.num_values * w) for p, w in zip(parts, widths, strict=True)))
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    nested = [leaf.path for leaf in leaves if leaf.path in texts and leaf.max_repetition_level > 0]
    if nested:
        raise UnsupportedError(f"column {nested[0]!r}: lists of texts are not read from Parquet, send JSON")
    return texts


def _text_bytes(column: Any) -> int:
    """The bytes of a column's texts, row by row."""
    import pyarrow.compute

    compute: Any = pyarrow.compute
    lengths = (compute.take(compute.binary_length(part.dictionary), part.indices) for part in column.chunks)
    return sum(int(compute.sum(each).as_py() or 0) for each in lengths)


def _bound(size: int) -> None:
    if size > MAX_UNPACKED_BYTES:
        raise TooLargeError(f"the file unpacks to over {MAX_UNPACKED_BYTES} bytes")


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
