"""A prepared photo in the form that a file asks for: its layout, its dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["as_asked"]


def as_asked(
    photo: NDArray[np.float32], shape: tuple[int, ...], dtype: str, scale: float | None, zero_point: int | None
) -> NDArray[np.generic]:
    """photo: [1, 3, H, W] float32 → `shape` ([1, 3, H, W] or [1, H, W, 3]) in `dtype` (float32, int8 or uint8)."""
    import numpy as np

    if tuple(shape[1:]) != photo.shape[1:]:
        photo = photo.transpose(0, 2, 3, 1)
    if tuple(shape[1:]) != photo.shape[1:]:
        raise ValueError(f"the file takes {shape}, the photos are {photo.shape} as NHWC")
    if dtype == "float32":
        return np.ascontiguousarray(photo)
    if scale is None or zero_point is None:
        raise ValueError(f"an input of {dtype} needs its scale and zero point in the file")
    limits = np.iinfo(np.dtype(dtype))
    codes = np.rint(photo / scale) + zero_point
    return np.clip(codes, limits.min, limits.max).astype(dtype)
