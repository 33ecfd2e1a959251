"""The linear algebra that the techniques share: truncated and whitened factors, least squares, which fit is best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .convolution import Convolution, Weights
from .moments import Moments

__all__ = ["Data", "Fit", "best", "corrected_bias", "factors", "response_error", "solve", "weight_error"]

_FLOOR = 1e-6
"""Of the greatest eigenvalue: what the data hardly shows keeps some weight, so that no factor grows without bound."""
_RIDGE = 1e-9

Fit = tuple[Weights, Weights, Weights]
"""Two factors, and the weight [C_out, C_in, taps] that they amount to."""


@dataclass(frozen=True, eq=False)
class Data:
    """What is known of a layer's inputs. mean: [K]. covariance: [K, K], for K = C_in·taps."""

    mean: Weights
    covariance: Weights

    @classmethod
    def of(cls, moments: Moments) -> Data:
        return cls(moments.mean, moments.covariance)


def factors(matrix: Weights, rank: int, whitening: Weights | None = None) -> tuple[Weights, Weights]:
    """(first [rank, m], second [n, rank]) with second·first nearest to `matrix`, [n, m]; stacks [..., n, m] likewise.

    Without `whitening` in the Frobenius norm: the truncated SVD (Eckart and Young 1936). whitening: covariance [..., m,
    m] of what the matrix multiplies; then ‖(matrix − second·first)·√whitening‖ is least, the SVD of matrix·√whitening.
    """
    if whitening is None:
        left, size, right = np.linalg.svd(matrix, full_matrices=False)
        return right[..., :rank, :], left[..., :rank] * size[..., None, :rank]
    root, inverse = _roots(whitening)
    left, size, right = np.linalg.svd(matrix @ root, full_matrices=False)
    return right[..., :rank, :] @ inverse, left[..., :rank] * size[..., None, :rank]


def _roots(covariance: Weights) -> tuple[Weights, Weights]:
    """The symmetric square root and its inverse, [..., m, m]."""
    size, axes = np.linalg.eigh(covariance)
    least = np.maximum(_FLOOR * size[..., -1:], np.finfo(np.float64).tiny ** 0.5)
    size = np.sqrt(np.maximum(size, least))
    turned = np.swapaxes(axes, -1, -2)
    return (axes * size[..., None, :]) @ turned, (axes / size[..., None, :]) @ turned


def solve(gram: Weights, cross: Weights) -> Weights:
    """X with the least E‖y − X·u‖². gram: E[u·uᵀ], [..., K, K]. cross: E[y·uᵀ], [..., n, K]."""
    width = gram.shape[-1]
    trace = np.trace(gram, axis1=-2, axis2=-1)[..., None, None]
    ridge = np.maximum(_RIDGE * trace / width, np.finfo(np.float64).tiny ** 0.5)
    found = np.linalg.solve(gram + ridge * np.eye(width), np.swapaxes(cross, -1, -2))
    return np.swapaxes(found, -1, -2)


def weight_error(convolution: Convolution, weight: Weights) -> float:
    """‖W − Ŵ‖ / ‖W‖. weight: Ŵ, [C_out, C_in, taps]."""
    return float(np.linalg.norm(convolution.wide - weight)) / max(float(np.linalg.norm(convolution.wide)), 1e-30)


def response_error(convolution: Convolution, weight: Weights, bias: NDArray[np.float32] | None, data: Data) -> float:
    """rms error of the responses, all channels together, as a share of their rms about their means.

    weight: [C_out, C_in, taps]. bias: [C_out] or None.
    """
    exact = convolution.wide.reshape(convolution.channels_out, -1)
    error = weight.reshape(exact.shape) - exact
    shift = error @ data.mean + _array(bias) - _array(convolution.bias)
    power = _energy(error, data.covariance) + float(np.square(shift).sum())
    return float(np.sqrt(power / max(_energy(exact, data.covariance), 1e-30)))


def corrected_bias(convolution: Convolution, weight: Weights, data: Data | None) -> NDArray[np.float32] | None:
    """The bias that goes with `weight`: without data the convolution's own, else b + (W − Ŵ)·μ, which keeps the mean
    of each channel.
    """
    if data is None:
        return convolution.bias
    error = (convolution.wide - weight).reshape(convolution.channels_out, -1)
    return (error @ data.mean + _array(convolution.bias)).astype(np.float32)


def best(convolution: Convolution, fits: Iterable[Fit], data: Data) -> tuple[Weights, Weights]:
    """(first, second) of the fit whose responses are nearest."""

    def error(fit: Fit) -> float:
        return response_error(convolution, fit[2], corrected_bias(convolution, fit[2], data), data)

    first, second, _ = min(fits, key=error)
    return first, second


def _energy(weight: Weights, covariance: Weights) -> float:
    return max(float(np.einsum("ok,ok->", weight @ covariance, weight)), 0.0)


def _array(bias: NDArray[np.float32] | None) -> Weights:
    return np.zeros(1) if bias is None else bias.astype(np.float64)
