"""Reading tensors out of ONNX bytes that are written here by hand."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_call_silero.onnx_file import OnnxFileError, read_floats


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, values: np.ndarray, *, data_type: int = 1) -> bytes:
    dims = b"".join(number(1, size) for size in values.shape)
    return dims + number(2, data_type) + message(8, name.encode()) + message(9, values.astype("<f4").tobytes())


def constant(output: str, content: bytes) -> bytes:
    attribute = message(1, b"value") + message(5, content)
    return message(1, message(2, output.encode()) + message(4, b"Constant") + message(5, attribute))


def model(*graph: bytes) -> bytes:
    return number(1, 8) + message(2, b"somebody") + message(7, b"".join(graph))


PLAIN = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_a_constant_goes_by_the_name_of_its_output():
    found = read_floats(model(constant("branch_a__weight", tensor("weight", PLAIN))))

    assert list(found) == ["branch_a__weight"]
    np.testing.assert_array_equal(found["branch_a__weight"], PLAIN)


def test_an_initialiser_goes_by_its_own_name():
    found = read_floats(model(message(5, tensor("bias", PLAIN))))

    np.testing.assert_array_equal(found["bias"], PLAIN)


def test_both_branches_of_an_if_are_read():
    def branch(name: str, values: np.ndarray) -> bytes:
        return message(5, message(1, name.encode()) + message(6, constant(f"{name}__w", tensor("w", values))))

    found = read_floats(model(message(1, message(2, b"out") + branch("then", PLAIN) + branch("else", PLAIN + 1))))

    np.testing.assert_array_equal(found["then__w"], PLAIN)
    np.testing.assert_array_equal(found["else__w"], PLAIN + 1)


def test_packed_dimensions_are_understood():
    packed = message(1, varint(2) + varint(3)) + number(2, 1) + message(9, PLAIN.tobytes())

    assert read_floats(model(constant("w", packed)))["w"].shape == (2, 3)


def test_tensors_of_other_types_are_passed_over():
    assert read_floats(model(constant("ids", tensor("ids", PLAIN, data_type=7)))) == {}


def test_fields_it_does_not_know_are_skipped():
    unknown = varint(900 << 3 | 5) + struct.pack("<f", 1.0) + varint(901 << 3 | 1) + struct.pack("<d", 1.0)

    assert "w" in read_floats(unknown + model(unknown, constant("w", unknown + tensor("w", PLAIN))))


def test_a_tensor_whose_bytes_do_not_fit_its_shape_is_refused():
    with pytest.raises(OnnxFileError, match=r"'w' of shape \[7\] holds 24 bytes, not 28"):
        read_floats(model(constant("w", number(1, 7) + number(2, 1) + message(8, b"w") + message(9, PLAIN.tobytes()))))


def test_a_tensor_kept_in_another_file_is_refused():
    with pytest.raises(OnnxFileError, match="outside raw_data"):
        read_floats(model(constant("w", number(1, 6) + number(2, 1))))


@given(st.data())
def test_a_file_cut_anywhere_is_refused_or_yields_nothing(data: st.DataObject):
    whole = model(constant("w", tensor("w", PLAIN)))
    cut = data.draw(st.integers(0, len(whole) - 1))

    try:
        found = read_floats(whole[:cut])
    except OnnxFileError:
        return
    assert found == {}


def test_a_name_that_is_no_text_does_not_stop_the_reading():
    found = read_floats(model(message(1, message(2, b"\xff")), constant("w", tensor("w", PLAIN))))

    assert list(found) == ["w"]


@pytest.mark.parametrize(
    ("damaged", "complaint"),
    [
        (b"\x0b", "field 1 has wire type 3"),
        (b"\x80" * 12, "unfinished number"),
        (number(7, 1), "a number stands where a message is expected"),
        (varint(7 << 3 | 2) + varint(50) + b"short", "needs 50 bytes, 5 are left"),
    ],
)
def test_what_is_no_onnx_file_is_refused_with_a_reason(damaged: bytes, complaint: str):
    with pytest.raises(OnnxFileError, match=complaint):
        read_floats(damaged)


@given(st.integers(0, 2**60), st.integers(1, 5))
def test_numbers_of_any_length_are_read(size: int, field: int):
    skipped = number(900 + field, size)

    assert list(read_floats(skipped + model(constant("w", tensor("w", PLAIN))))) == ["w"]
