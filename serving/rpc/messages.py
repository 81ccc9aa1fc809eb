"""The protocol's message classes, made from the compiled inference.proto.

They live in a pool of their own: a client library in the same process has messages of the same names.
"""

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

SERVICE = "inference.GRPCInferenceService"
_pool = DescriptorPool()
for _file in FileDescriptorSet.FromString(Path(__file__).with_name("inference.desc").read_bytes()).file:
    _pool.Add(_file)


def message(name: str) -> Any:
    """The class of the message called `name`, e.g. ModelInferRequest."""
    return GetMessageClass(_pool.FindMessageTypeByName(f"inference.{name}"))


def methods() -> list[tuple[str, Any, Any]]:
    """Each method of the service: its name, the class it takes and the class it answers with."""
    service = _pool.FindServiceByName(SERVICE)
    return [
        (each.name, GetMessageClass(each.input_type), GetMessageClass(each.output_type))
        for each in service.methods
    ]
