"""What a changed network loses, by the outputs of the exact one on the same samples, without labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import sqrt

import torch
from torch import Tensor, fx

from ...errors import InputError
from .network import SeparableNetwork

__all__ = ["Judge"]

_BATCH = 16

Feeds = Sequence[Tensor]


class Judge:
    """Keeps samples and the exact network's float outputs for them."""

    def __init__(self, network: SeparableNetwork, samples: Iterable[Feeds]) -> None:
        """samples: one tensor [1, …] an input each. Raises InputError if there are none."""
        self.network = network
        self.samples = [list(feeds) for feeds in samples]
        if not self.samples:
            raise InputError(network.where, "no samples to judge by", accepted="two or more")
        exact = network.exact()
        self._wanted = [self._alone(exact, feeds) for feeds in self.samples]
        values = [torch.cat([one.reshape(-1) for one in output]) for output in zip(*self._wanted, strict=True)]
        if not values:
            raise InputError(network.where, "has no output in float", accepted="one or more")
        self._power = [float(one.double().var(correction=0)) or 1.0 for one in values]
        self.batched = self._keeps_batch(exact)
        """Whether samples together give what they give alone: the graph keeps the batch in front."""

    def error(self, found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Squared error of each output by the variance of the exact one, summed over outputs; for learning."""
        pairs = zip(found, wanted, self._power, strict=True)
        return torch.stack([(one - other).square().mean() / power for one, other, power in pairs]).sum()

    def loss(self, module: fx.GraphModule) -> float:
        """rms error as a share of the exact outputs' rms about their mean, of the worst output: 0 is none, 1 is as bad
        as a constant.
        """
        errors = [0.0] * len(self._power)
        for found, wanted in self._pairs(module):
            for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
                errors[index] += float((one - other).double().square().sum())
        sizes = [sum(wanted[index].numel() for wanted in self._wanted) for index in range(len(self._power))]
        shares = zip(errors, sizes, self._power, strict=True)
        return max(sqrt(error / size / power) for error, size, power in shares)

    def agreement(self, module: fx.GraphModule) -> float | None:
        """Share of positions with the same greatest channel, of the worst output that has channels; None if none has.

        An output [N, C, …] has where C is 2 or more.
        """
        same, count = [0] * len(self._power), [0] * len(self._power)
        for found, wanted in self._pairs(module):
            for index, (one, other) in enumerate(zip(found, wanted, strict=True)):
                if one.ndim > 1 and one.shape[1] > 1:
                    agree = one.argmax(dim=1) == other.argmax(dim=1)
                    same[index] += int(agree.sum())
                    count[index] += agree.numel()
        return min((right / total for right, total in zip(same, count, strict=True) if total), default=None)

    @torch.no_grad()
    def _pairs(self, module: fx.GraphModule) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        size = _BATCH if self.batched else 1
        for start in range(0, len(self.samples), size):
            samples, wanted = self.samples[start : start + size], self._wanted[start : start + size]
            yield self._together(module, samples), [torch.cat(one) for one in zip(*wanted, strict=True)]

    def _alone(self, module: fx.GraphModule, feeds: Feeds) -> list[Tensor]:
        with torch.no_grad():
            return [output.clone() for output in self.network.run(module, feeds)]

    def _together(self, module: fx.GraphModule, samples: Sequence[Feeds]) -> list[Tensor]:
        return self.network.run(module, [torch.cat(one) for one in zip(*samples, strict=True)])

    @torch.no_grad()
    def _keeps_batch(self, exact: fx.GraphModule) -> bool:
        if len(self.samples) < 2:
            return False
        try:
            both = self._together(exact, self.samples[:2])
        except (RuntimeError, ValueError):  # a size of 1 that is written into the graph
            return False
        alone = [torch.cat(one) for one in zip(*self._wanted[:2], strict=True)]
        return all(
            one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-3 * power**0.5)
            for one, other, power in zip(both, alone, self._power, strict=True)
        )
