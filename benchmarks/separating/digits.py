"""A small CNN of standard 3×3 convolutions, trained in seconds on the handwritten digits that scikit-learn ships."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sepia.models.layers import ConvNorm, initialise
from torch import nn

__all__ = ["SHAPE", "Digits", "digits", "trained"]

SHAPE = (1, 1, 16, 16)
_HELD_OUT = 497


@dataclass(frozen=True)
class Digits:
    """images: float32 [N, 1, 16, 16] in [−1, 1]. labels: int64 [N]."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def digits() -> tuple[Digits, Digits]:
    """(1300 to train and separate with, 497 that neither sees)."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = found.images.astype(np.float32).repeat(2, axis=1).repeat(2, axis=2)[:, None] / 8.0 - 1.0
    turn = np.random.default_rng(0).permutation(len(images))
    images, labels = images[turn], found.target[turn].astype(np.int64)
    return Digits(images[_HELD_OUT:], labels[_HELD_OUT:]), Digits(images[:_HELD_OUT], labels[:_HELD_OUT])


def trained(*, epochs: int = 12) -> nn.Module:
    """Four convolutions 3×3, 1.2 M MACs, nothing separable. The same weights each time on one machine."""
    train, _ = digits()
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            ConvNorm(1, 16, 3),
            ConvNorm(16, 32, 3, 2),
            ConvNorm(32, 32, 3),
            ConvNorm(32, 64, 3, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
        initialise(net)
        optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(images) // 64))
        net.train()
        for _ in range(epochs):
            for chosen in torch.randperm(len(images)).split(64)[:-1]:
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
                optimizer.step()
                schedule.step()
    return net.eval()


# So that `sepia separate benchmarks/separating/digits.py:trained` knows what it reads.
trained.preparation = {  # type: ignore[attr-defined]
    "height": 16,
    "width": 16,
    "resize": 16,
    "colour": "GREY",
    "mean": [127.5],
    "scale": [127.5],
}
