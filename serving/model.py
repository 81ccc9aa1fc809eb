"""A model ready to answer: its bundle and an onnxruntime session whose inputs and outputs equal it."""

from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import onnxruntime

from serving import tensors
from serving.bundle import Bundle, Datatype, ImageForm, Input, Output, SeedForm, TextForm, TranslationForm
from serving.bundle_files import MODEL_FILE, read_bundle
from serving.errors import BundleError, InvalidInputError, ServingError, one_line
from serving.forms.fields import FormReader
from serving.frames import Frames
from serving.infer_request import Arrays, InferRequest, read_request
from serving.proof import Proof
from serving.records import read_records, write_predictions
from serving.run_times import RunTimes

Label = tuple[str, str]
"""A model's name and version, as metrics have them."""
SEEN_RUNS, SEEN_ROWS = 256, 256
QUICK_S = 0.004
"""A longer run is kept off the event loop, so that health checks and other models are not held up."""
ONNX_TYPES: dict[str, Datatype] = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}


class Model:
    """One version of a model; `infer` may be called from several threads at once."""

    def __init__(self, bundle: Bundle, session: Any, reader: FormReader | None = None) -> None:
        self.bundle = bundle
        self.label: Label = (bundle.name, str(bundle.version))
        self.reader = reader
        self._session = session
        self._frames = Frames(bundle)
        self.outputs = tuple(output.name for output in bundle.outputs)
        self.times = RunTimes()
        self._seen: deque[Arrays] = deque(maxlen=SEEN_RUNS)
        self.flexible = [each.name for each in bundle.inputs if -1 in each.shape[1:]]
        self._expected = [(each.name, tensors.DTYPES[each.datatype], each.shape) for each in bundle.inputs]

    def infer(self, arrays: Arrays, outputs: Sequence[str] | None = None) -> Arrays:
        """Run the graph on one `(rows, ...)` array an input; give `outputs`, or all, each `(rows, ...)`.

        Raises InvalidInputError when the arrays do not fit the inputs or the graph refuses their values.
        """
        return self.run(arrays, self.check(arrays), self.outputs if outputs is None else outputs)

    def read(self, body: bytes, json_size: int | None, *, max_rows: int) -> InferRequest:
        """`read_request` for this model; `max_rows` must always be the same."""
        if json_size is not None:
            return read_request(body, json_size, self.bundle, max_rows=max_rows)
        request = self._frames.read(body)
        if request is None:
            request = read_request(body, None, self.bundle, max_rows=max_rows)
            self._frames.learn(body, request)
        return request

    def run(self, arrays: Arrays, rows: int, outputs: Sequence[str]) -> Arrays:
        """`infer` for arrays that `check` has found to be of so many rows."""
        names = list(outputs)
        try:
            begun = perf_counter()
            results = self._session.run(names, arrays)
            self.times.note(rows, perf_counter() - begun)
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no root but Exception
            raise InvalidInputError(f"{self.bundle.name} refused these values: {one_line(error)}") from None
        for name, result in zip(names, results, strict=True):
            if result.shape[:1] != (rows,):
                raise ServingError(
                    f"{self.bundle.name} gave {name!r} of shape {result.shape} for {rows} rows"
                )
        return dict(zip(names, results, strict=True))

    def see(self, arrays: Arrays, rows: int) -> None:
        """Keep what a client asked for a while, or a part of it, for who watches what is asked."""
        if rows > SEEN_ROWS:
            arrays = {name: array[:SEEN_ROWS] for name, array in arrays.items()}
        self._seen.append(arrays)

    def take_seen(self) -> list[Arrays]:
        """What was kept since this was called last."""
        taken = []
        while self._seen:
            taken.append(self._seen.popleft())
        return taken

    def is_quick(self, rows: int, at_most_s: float = QUICK_S) -> bool:
        """Whether a run of so many rows is known to be short."""
        expected = self.times.expected_s(rows)
        return expected is not None and expected <= at_most_s

    def predict(self, document: object, *, max_rows: int) -> list[dict[str, Any]]:
        """Answer records as people write them, one object a record.

        Raises InvalidInputError naming the record at fault, TooLargeError over `max_rows` records.
        """
        if self.reader is not None:
            return self.reader.answer(document, self.infer, max_rows=max_rows)
        arrays = read_records(document, self.bundle, max_rows=max_rows)
        predictions = write_predictions(self.bundle, self.infer(arrays))
        self.see(arrays, len(predictions))
        return predictions

    def check(self, arrays: Arrays) -> int:
        """The common number of rows of arrays that fit the inputs one for one. Raises InvalidInputError."""
        if arrays.keys() != self.bundle.inputs_by_name.keys():
            odd = sorted(arrays.keys() ^ self.bundle.inputs_by_name.keys())
            raise InvalidInputError(f"{self.bundle.name}: input {odd[0]!r} is missing or unknown")
        first = self.bundle.inputs[0].name
        rows = len(arrays[first])
        for name, dtype, declared in self._expected:
            array = arrays[name]
            shape = array.shape
            if array.dtype != dtype or (
                shape[1:] != declared[1:] and not tensors.shape_fits(shape, declared)
            ):
                raise InvalidInputError(
                    f"input {name!r}: expected {self.bundle.inputs_by_name[name].datatype} {list(declared)}, "
                    f"got {array.dtype} {list(shape)}"
                )
            if shape[0] != rows:
                raise InvalidInputError(f"input {name!r} has {shape[0]} rows, input {first!r} has {rows}")
        return rows


def load_model(folder: Path) -> Model:
    """Load `<name>/<version>`, compare graph and bundle, run the bundle's example once and prove its proof.

    Raises BundleError, in one line, when a file is missing, broken, a link out of the folder, or does not
    fit; a graph whose weights lie outside its folder is refused by onnxruntime itself.
    """
    bundle = read_bundle(folder)
    path = folder / MODEL_FILE
    _refuse_links(folder)
    if not path.is_file():
        raise BundleError(f"{path} is missing: export the model again")
    session = _session(path)
    _compare(path, "input", bundle.inputs, session.get_inputs())
    _compare(path, "output", bundle.outputs, session.get_outputs())
    model = Model(bundle, session, _reader(bundle, folder))
    if bundle.example:
        try:
            model.predict(bundle.example, max_rows=1)
        except ServingError as error:
            raise BundleError(f"{path} does not answer its own example: {error}") from None
    if bundle.proof is not None:
        _prove(path, model, bundle.proof)
    model.take_seen()  # no client has asked for these
    return model


def _prove(path: Path, model: Model, proof: Proof) -> None:
    """Refuse a model whose answers are not those of its proof."""
    try:
        arrays = read_records(list(proof.records), model.bundle, max_rows=len(proof.records))
        proof.check(model.infer(arrays, tuple(proof.outputs)))
    except ServingError as error:
        raise BundleError(f"{path}: {error}") from None


def _session(path: Path) -> Any:
    try:
        return onnxruntime.InferenceSession(path, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no root but Exception
        raise BundleError(f"{path} cannot be loaded: {one_line(error)}") from None


def _reader(bundle: Bundle, folder: Path) -> FormReader | None:
    """What reads the bundle's form, if it has one; only then is its library imported."""
    form = bundle.form
    if isinstance(form, ImageForm):
        from serving.forms.image import ImageReader

        return ImageReader(form, bundle)
    if isinstance(form, TextForm):
        from serving.forms.text import TextReader

        return TextReader(form, bundle, folder)
    if isinstance(form, SeedForm):
        from serving.forms.seed import SeedReader

        return SeedReader(form)
    if isinstance(form, TranslationForm):
        from serving.forms.translation import TranslationReader

        return TranslationReader(form, folder, _session(folder / form.step))
    return None


def _options() -> Any:
    """One thread a session: several requests run side by side, and spinning pools starve each other."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _refuse_links(folder: Path) -> None:
    """Refuse a bundle with a file that is really somewhere else."""
    home = folder.resolve()
    for path in folder.rglob("*"):
        if not path.resolve().is_relative_to(home):
            raise BundleError(
                f"{path} points outside its folder, to {path.resolve()}: put the file itself there"
            )


def _compare(path: Path, what: str, declared: Iterable[Input | Output], actual: Iterable[Any]) -> None:
    """Refuse a graph whose inputs or outputs are not the bundle's."""
    graph = {argument.name: argument for argument in actual}
    names = {field.name for field in declared}
    if graph.keys() != names:
        odd = sorted(graph.keys() ^ names)[0]
        where = "the graph" if odd in graph else "the bundle"
        raise BundleError(f"{path}: only {where} has an {what} {odd!r}")
    for field in declared:
        argument = graph[field.name]
        datatype = ONNX_TYPES.get(argument.type, argument.type)
        sizes = [size if isinstance(size, int) else -1 for size in argument.shape]
        if datatype != field.datatype or not tensors.shape_fits(field.shape, sizes):
            raise BundleError(
                f"{path}: {what} {field.name!r} is {datatype} {sizes} in the graph, "
                f"{field.datatype} {list(field.shape)} in the bundle"
            )
