"""Reshape, Flatten, Squeeze, Unsqueeze, Identity, Transpose: values keep their codes, only the axes change.

A Transpose writes nothing: the same tensor is held in another layout, and whoever needs another order takes it so.
A Reshape that splits or joins neighbouring axes keeps the layout of the rest; so a channel shuffle costs one TRANSPOSE.
"""

from __future__ import annotations

from .layout import Perm, as_is, compose, moves_data, permuted
from .program import Shape
from .rows import Condition, lowers
from .site import Site, dims
from .writer import Writer

__all__ = ["carry", "groups", "reshape", "transpose"]

_BATCH = 1_000_003
"""Stands for a batch that is chosen later: a prime, so that it matches itself alone."""

Group = tuple[tuple[int, ...], tuple[int, ...]]
"""Axes before and axes after a Reshape that hold the same values."""


def groups(before: Shape, after: Shape) -> list[Group] | None:
    """Smallest runs of axes of one product, axes of size 1 left out.

    [N, C, H, W] → [N, g, C/g, H, W] is N|N, C|g·(C/g), H|H, W|W. None where the batch is joined with other axes.
    """
    left, right = _long(before), _long(after)
    found: list[Group] = []
    while left and right:
        (axis, size), (other, size_after) = left.pop(0), right.pop(0)
        run, run_after = [axis], [other]
        while size != size_after:
            shorter, grown = (left, run) if size < size_after else (right, run_after)
            if not shorter:
                return None
            axis, factor = shorter.pop(0)
            grown.append(axis)
            if grown is run:
                size *= factor
            else:
                size_after *= factor
        found.append((tuple(run), tuple(run_after)))
    return None if left or right else found


def _long(shape: Shape) -> list[tuple[int, int]]:
    return [(axis, _BATCH if size < 0 else size) for axis, size in enumerate(shape) if size != 1]


def carry(perm: Perm, pairs: list[Group], before: Shape, after: Shape) -> Perm | None:
    """Layout after a Reshape of a tensor held in `perm`, if every group lies together and in order in it."""
    left = [axis for axis in perm if before[axis] != 1]
    result = [axis for axis, size in enumerate(after) if size == 1]
    starts = {run[0]: (run, run_after) for run, run_after in pairs}
    while left:
        run, run_after = starts.get(left[0], ((), ()))
        if not run or tuple(left[: len(run)]) != run:
            return None
        result += run_after
        left = left[len(run) :]
    return tuple(result)


def _ways(site: Site, write: Writer) -> tuple[Perm, Perm]:
    """Layouts to read and to give with the fewest transposes: as held, as wanted behind, or as ONNX has both."""
    value, before, after = site.input(0), dims(site.input(0)), dims(site.output)
    held, wanted = write.held(value), write.layout(site.output)
    ways = [(as_is(len(before)), as_is(len(after)))]
    pairs = groups(before, after)
    if pairs is not None:
        backward = carry(wanted, [(run_after, run) for run, run_after in pairs], after, before)
        ways = [(backward, wanted), *ways] if backward else ways
        forward = carry(held, pairs, before, after)
        ways = [(held, forward), *ways] if forward else ways

    def transposes(way: tuple[Perm, Perm]) -> int:
        read = moves_data(permuted(before, held), compose(held, way[0]))
        given = moves_data(permuted(after, way[1]), compose(way[1], wanted))
        return read + given

    return min(ways, key=transposes)


_FULL = Condition("sizes above 0", lambda site: 0 not in dims(site.input(0)))


@lowers("Identity", becomes="nothing, or RESHAPE", data=1, layout="free")
@lowers("Reshape", "Flatten", "Squeeze", "Unsqueeze", becomes="RESHAPE", data=1, layout="free", conditions=(_FULL,))
def reshape(site: Site, write: Writer) -> None:
    """An Identity is left in the graph where it joins an output to an input: the writer copies that one."""
    read, given = _ways(site, write)
    tensor = write.on_grid(site, write.take(site.input(0), read, int8=site.int8))
    shape = permuted(dims(site.output), given)
    write.finish(site, write.reshaped(tensor, shape, site.output.name), given)


@lowers("Transpose", becomes="nothing, or TRANSPOSE", data=1, layout="free")
def transpose(site: Site, write: Writer) -> None:
    held = write.held(site.input(0))
    order = site.integers("perm") or tuple(reversed(range(site.rank)))
    tensor = write.on_grid(site, write.take(site.input(0), held, int8=site.int8))
    write.finish(site, tensor, tuple(order.index(axis) for axis in held))
