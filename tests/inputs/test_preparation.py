"""A preparation survives its metadata, and one that cannot work is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sepia.errors import InputError
from sepia.inputs import Preparation

_numbers = st.floats(min_value=-300, max_value=300, allow_nan=False)


@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    extra=st.integers(0, 50),
    resampling=st.sampled_from(("nearest", "bilinear", "bicubic")),
    colour=st.sampled_from(("RGB", "BGR", "GREY")),
    mean=_numbers,
    scale=_numbers.filter(bool),
)
def test_json_there_and_back(
    height: int, width: int, extra: int, resampling: str, colour: str, mean: float, scale: float
) -> None:
    channels = 1 if colour == "GREY" else 3
    preparation = Preparation(
        height=height,
        width=width,
        resize=max(height, width) + extra,
        resampling=resampling,  # type: ignore[arg-type]
        colour=colour,  # type: ignore[arg-type]
        mean=(mean,) * channels,
        scale=(scale,) * channels,
    )
    assert Preparation.from_json(preparation.to_json()) == preparation
    assert preparation.channels == channels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "model.onnx: sepia.preparation is not JSON"),
        ("[]", "model.onnx: sepia.preparation has unknown keys; accepted: colour, crop, height, layout, mean"),
        ('{"hieght": 3}', "model.onnx: sepia.preparation has unknown keys"),
        ('{"mean": 3}', "model.onnx: sepia.preparation cannot be used"),
        ('{"height": "tall"}', "model.onnx: sepia.preparation cannot be used"),
        ('{"height": 0}', "model.onnx: size 0×224, resize 256 is not positive"),
        (
            '{"height": 300}',
            "resize 256 leaves less than the crop of 300×224; accepted: 0, or 300 and more",
        ),
        ('{"mean": [1, 2]}', "model.onnx: mean has 2 values for 3 channels"),
        ('{"scale": [1, 0, 1]}', "scale not 0"),
        ('{"mean": [NaN, 0, 1]}', "must be finite"),
        ('{"resampling": "lanczos"}', "resampling is 'lanczos'; accepted: nearest, bilinear, bicubic"),
        ('{"colour": "CMYK"}', "colour is 'CMYK'; accepted: RGB, BGR, GREY"),
    ],
)
def test_what_cannot_work_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Preparation.from_json(text, where="model.onnx")
    assert message in str(caught.value)
