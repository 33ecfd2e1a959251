"""What a layer is asked to be, checked: one line for what can't be.

Every function takes `where`, the layer's name, and raises ModelError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from ...errors import ModelError

__all__ = ["Follows", "PerAxis", "check_choice", "check_counts", "check_dimensions", "check_follows", "check_groups",
           "check_input", "check_size", "per_axis"]  # fmt: skip

PerAxis = int | tuple[int, ...]
"""One number for all spatial dimensions, or one for each."""

Follows = tuple[Literal["norm", "activation"], ...]
"""What follows a convolution, the normalisation first: both, either, or ()."""


def per_axis(where: str, name: str, value: PerAxis, dimensions: int, *, least: int = 1) -> tuple[int, ...]:
    """One number a dimension, none of them below `least`."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * dimensions
    if len(values) != dimensions or not all(isinstance(each, int) and each >= least for each in values):
        each = "" if dimensions == 1 else f", or a tuple with one for each of the {dimensions} dimensions"
        raise ModelError(where, f"{name} is {value}", accepted=f"a whole number, {least} or more{each}")
    return values


def check_dimensions(where: str, dimensions: int, accepted: Sequence[int] = (1, 2, 3), why: str = "") -> None:
    if dimensions not in accepted:
        raise ModelError(
            where, f"dimensions is {dimensions}" + (f": {why}" if why else ""), accepted=", ".join(map(str, accepted))
        )


def check_counts(where: str, **counts: int) -> None:
    """Channels, multipliers, …: whole numbers, 1 or more."""
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise ModelError(where, f"{name} is {count}", accepted="a whole number, 1 or more")


def check_groups(where: str, groups: int, **channels: int) -> None:
    """Each number of channels must be a multiple of the groups."""
    check_counts(where, **channels, groups=groups)
    for name, count in channels.items():
        if count % groups:
            divisors = [str(number) for number in range(1, count + 1) if count % number == 0]
            listed = ", ".join(divisors if len(divisors) <= 12 else [*divisors[:11], "…"])
            raise ModelError(where, f"{name} {count} can't be split into {groups} groups", accepted=f"groups {listed}")


def check_choice(where: str, name: str, value: object, choices: object, also: str = "") -> None:
    """`choices`: a Literal of words. also: what is accepted beside them."""
    words = get_args(choices)
    if value not in words:
        raise ModelError(where, f"{name} is {value!r}", accepted=", ".join((*words, *((also,) if also else ()))))


def check_follows(where: str, name: str, value: Follows) -> None:
    if value not in ((), ("norm",), ("activation",), ("norm", "activation")):
        accepted = '("norm", "activation"), ("norm",), ("activation",) or ()'
        raise ModelError(where, f"{name} is {value!r}", accepted=accepted)


def check_size(where: str, size: Sequence[int], dimensions: int) -> tuple[int, ...]:
    """The spatial size of an input: so many whole numbers, 1 or more."""
    if len(size) != dimensions or any(length < 1 for length in size):
        raise ModelError(where, f"the size of its input is {tuple(size)}", accepted=f"{dimensions} numbers, 1 or more")
    return tuple(size)


def check_input(where: str, shape: Sequence[int], channels: int, dimensions: int) -> None:
    """The shape of a tensor: [N, `channels`, …]. Other tools trace networks with stand-ins that have no shape yet."""
    if isinstance(shape, tuple) and (len(shape) != dimensions + 2 or shape[1] != channels):
        wanted = ", ".join(("N", str(channels), *("DHW"[-dimensions:] if dimensions > 1 else "L")))
        raise ModelError(where, f"its input is {list(shape)}", accepted=f"[{wanted}]")
