"""Reads float tensors out of an ONNX file: the protobuf wire format and the few fields of `onnx.proto` it takes.

https://protobuf.dev/programming-guides/encoding/ and https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from .geometry import Floats

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# Field numbers of onnx.proto.
MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_OUTPUT, NODE_ATTRIBUTE = 2, 5
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 5, 6
TENSOR_DIMS, TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 1, 2, 8, 9
FLOAT = 1


class OnnxFileError(ValueError):
    """The bytes are not an ONNX file that this reader understands."""


def read_floats(data: bytes) -> dict[str, Floats]:
    """Every float32 constant and initialiser of a serialised `ModelProto`, sub-graphs included, by its value's name.

    The arrays are read-only views of `data`. Raises `OnnxFileError`.
    """
    found: dict[str, Floats] = {}
    for number, value in _fields(memoryview(data)):
        if number == MODEL_GRAPH:
            _read_graph(_bytes(value), found)
    return found


def _read_graph(graph: memoryview, found: dict[str, Floats]) -> None:
    for number, value in _fields(graph):
        if number == GRAPH_NODE:
            _read_node(_bytes(value), found)
        elif number == GRAPH_INITIALIZER:
            name, tensor = _read_tensor(_bytes(value))
            if tensor is not None:
                found[name] = tensor


def _read_node(node: memoryview, found: dict[str, Floats]) -> None:
    output = ""
    attributes: list[memoryview] = []
    for number, value in _fields(node):
        if number == NODE_OUTPUT and not output:
            output = _text(value)
        elif number == NODE_ATTRIBUTE:
            attributes.append(_bytes(value))
    for attribute in attributes:
        for number, value in _fields(attribute):
            if number == ATTRIBUTE_TENSOR:
                # The tensor's own name is often empty or repeated in both branches; the node's output is unique.
                _, tensor = _read_tensor(_bytes(value))
                if tensor is not None:
                    found[output] = tensor
            elif number == ATTRIBUTE_GRAPH:
                _read_graph(_bytes(value), found)


def _read_tensor(message: memoryview) -> tuple[str, Floats | None]:
    """Its name, and its values if they are float32."""
    name, data_type, raw = "", 0, None
    shape: list[int] = []
    for number, value in _fields(message):
        if number == TENSOR_DIMS:
            shape.extend([value] if isinstance(value, int) else _packed(value))
        elif number == TENSOR_DATA_TYPE and isinstance(value, int):
            data_type = value
        elif number == TENSOR_NAME:
            name = _text(value)
        elif number == TENSOR_RAW_DATA:
            raw = _bytes(value)
    if data_type != FLOAT:
        return name, None
    if raw is None:
        raise OnnxFileError(f"tensor {name!r} keeps its values outside raw_data, which this reader does not follow")
    if len(raw) != 4 * prod(shape):
        raise OnnxFileError(f"tensor {name!r} of shape {shape} holds {len(raw)} bytes, not {4 * prod(shape)}")
    return name, np.frombuffer(raw, dtype="<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value: an int for varints, a view of the bytes for everything else."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            integer, at = _varint(message, at)
            yield number, integer
            continue
        if wire == BYTES:
            length, at = _varint(message, at)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise OnnxFileError(f"field {number} has wire type {wire}, which no ONNX file uses")
        if at + length > len(message):
            raise OnnxFileError(f"field {number} needs {length} bytes, {len(message) - at} are left: file cut short?")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at
    raise OnnxFileError(f"unfinished number at byte {at}: file cut short?")


def _packed(values: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(values):
        number, at = _varint(values, at)
        numbers.append(number)
    return numbers


def _text(value: int | memoryview) -> str:
    return str(_bytes(value), "utf-8", errors="replace")


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise OnnxFileError("a number stands where a message is expected: not an ONNX file?")
    return value
