"""SAME and VALID: said exactly where TFLite's own arithmetic reads the same pixels."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.export.onnx_to_tflite.window import Axis, Window

SIZE = st.integers(1, 16)


def tflite_starts(padding: str, axis: Axis) -> tuple[int, list[int]]:
    """(outputs, first pixel of each), by tensorflow/lite/kernels/padding.h: ComputeOutSize and ComputePadding."""
    extent = (axis.kernel - 1) * axis.dilation + 1
    if padding == "SAME":
        count = (axis.size_in + axis.stride - 1) // axis.stride
    else:
        count = (axis.size_in + axis.stride - extent) // axis.stride
    total = max((count - 1) * axis.stride + extent - axis.size_in, 0)
    return count, [index * axis.stride - total // 2 for index in range(count)]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    kernel=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    size_in=SIZE,
)
def test_the_word_that_is_chosen_reads_onnx_s_pixels(
    kernel: int, stride: int, dilation: int, before: int, after: int, size_in: int
) -> None:
    extent = (kernel - 1) * dilation + 1
    size_out = (size_in + before + after - extent) // stride + 1
    if size_out < 1:
        return
    axis = Axis(kernel, stride, dilation, before, after, size_in, size_out)
    starts = [index * stride - before for index in range(size_out)]
    words = {"VALID": axis.is_valid, "SAME": axis.is_same}
    for word, chosen in words.items():
        count, theirs = tflite_starts(word, axis)
        reaches = word == "SAME" or (starts[0] >= 0 and starts[-1] + extent <= size_in)
        assert chosen == (count == size_out and theirs == starts and reaches), word
    assert axis.used_after == max(starts[-1] + extent - size_in, 0)


def test_torch_s_padding_of_1_at_stride_2_is_same_on_odd_sizes_alone() -> None:
    even, odd = Axis(3, 2, 1, 1, 1, 224, 112), Axis(3, 2, 1, 1, 1, 225, 113)
    assert Window(even, even).padding is None
    assert Window(odd, odd).padding == "SAME"
    assert Window(odd, even).padding is None
