"""Compile inference.proto into inference.desc: `python -m serving.rpc.compile` (needs grpcio-tools)."""

from pathlib import Path

from grpc_tools import protoc

FOLDER = Path(__file__).parent


def compile_proto(target: Path) -> None:
    """Compile inference.proto into the file `target`."""
    arguments = [f"--proto_path={FOLDER}", f"--descriptor_set_out={target}", "inference.proto"]
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit("protoc refused inference.proto; it said why above")


if __name__ == "__main__":
    compile_proto(FOLDER / "inference.desc")
