"""Weight files: the safetensors format, written and read with the standard library and numpy.

A file is the length of its header (8 bytes, little endian), a JSON header, and the raw numbers. Files may come from
strangers: everything is checked before it is used, and nothing in a file is ever executed.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from compiled.errors import BadFile

Floats = npt.NDArray[np.float64]

MAX_HEADER: Final = 1 << 20
MAX_BYTES: Final = 1 << 31
_CODES: Final = {"float64": "F64", "float32": "F32", "tf32": "F32", "float16": "F16", "bfloat16": "BF16"}
_SIZES: Final = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def quantise(tensor: Floats, dtype: str) -> Floats:
    """The nearest numbers that the format has, ties to even; infinite where it has none."""
    with np.errstate(over="ignore"):
        return _decode(_encode(tensor, _CODES[dtype]), _CODES[dtype]).reshape(tensor.shape)


def _encode(tensor: Floats, code: str) -> bytes:
    match code:
        case "F64":
            return tensor.astype("<f8").tobytes()
        case "F32":
            return tensor.astype("<f4").tobytes()
        case "F16":
            return tensor.astype("<f2").tobytes()
        case _:
            bits = tensor.astype("<f4").view("<u4").astype(np.uint64)
            rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
            return rounded.astype("<u2").tobytes()


def _decode(data: bytes, code: str) -> Floats:
    match code:
        case "F64":
            return np.frombuffer(data, "<f8").astype(np.float64)
        case "F32":
            return np.frombuffer(data, "<f4").astype(np.float64)
        case "F16":
            return np.frombuffer(data, "<f2").astype(np.float64)
        case _:
            bits = np.frombuffer(data, "<u2").astype(np.uint32) << 16
            return bits.view("<f4").astype(np.float64)


def dump(tensors: Mapping[str, Floats], dtype: str, metadata: Mapping[str, str]) -> bytes:
    """The bytes of a file with these tensors."""
    code = _CODES[dtype]
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    blobs, at = [], 0
    for name, tensor in tensors.items():
        blob = _encode(np.ascontiguousarray(tensor), code)
        header[name] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def load(data: bytes) -> tuple[dict[str, Floats], dict[str, str]]:
    """The tensors of a file and its metadata, or `BadFile`."""
    header, body = _split(data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise BadFile("the metadata of the weights file is not a table of strings")
    tensors, covered = {}, []
    for name, entry in header.items():
        code, shape, first, last = _entry(name, entry, len(body))
        tensor = _decode(body[first:last], code).reshape(shape)
        if not np.isfinite(tensor).all():
            raise BadFile(f"the tensor {name!r} has entries that are not finite")
        tensors[name] = tensor
        covered.append((first, last))
    at = 0
    for first, last in sorted(covered):
        if first != at:
            raise BadFile("the tensors of the weights file overlap or leave gaps")
        at = last
    if at != len(body):
        raise BadFile("the weights file has bytes that belong to no tensor")
    return tensors, metadata


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    if len(data) < 8 or len(data) > MAX_BYTES:
        raise BadFile("not a weights file: its size is out of range")
    (size,) = struct.unpack("<Q", data[:8])
    if size > MAX_HEADER or 8 + size > len(data):
        raise BadFile("not a weights file: its header does not fit")
    try:
        header = json.loads(data[8 : 8 + size])
    except (ValueError, RecursionError) as error:
        raise BadFile("not a weights file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise BadFile("not a weights file: its header is not a table")
    return header, data[8 + size :]


def _entry(name: str, entry: object, size: int) -> tuple[str, tuple[int, ...], int, int]:
    match entry:
        case {"dtype": str() as code, "shape": list() as shape, "data_offsets": [int() as first, int() as last]}:
            pass
        case _:
            raise BadFile(f"the entry of {name!r} in the weights file is malformed")
    if code not in _SIZES or not all(isinstance(length, int) and 0 <= length < MAX_BYTES for length in shape):
        raise BadFile(f"the tensor {name!r} has an unknown type or shape")
    count = 1
    for length in shape:
        count *= length
    if not 0 <= first <= last <= size or last - first != count * _SIZES[code]:
        raise BadFile(f"the tensor {name!r} does not have the size that its shape says")
    return code, tuple(shape), first, last
