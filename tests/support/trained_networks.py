"""Small networks that are really trained: on the handwritten digits that scikit-learn ships, in seconds.

Float networks with drawn weights are easy to quantise or absurd; what int8 costs shows on trained ones. `hard` makes
the same function harder: channels of hidden tensors are scaled by up to 1:1000, and the weights that read them by the
inverse, so that float is the same and every range is spread (Nagel et al. 2019, arXiv:1906.04721, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.inputs.calibration import CalibrationData, Sample
from sepia.models.layers import ConvNorm, InvertedResidual, initialise
from torch import nn

__all__ = ["Digits", "digits", "hard", "top1", "trained_v2", "trained_v3", "write"]

_SIDE = 16
_HELD_OUT = 497


@dataclass(frozen=True)
class Digits:
    """images: float32 [N, 1, 16, 16] in [−1, 1]. labels: int64 [N]."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def data(self, count: int) -> CalibrationData:
        """The first so many as calibration samples."""

        def samples() -> Iterator[Sample]:
            yield from ({"input": image[None]} for image in self.images[:count])

        return CalibrationData("digits", False, count, samples)


def digits() -> tuple[Digits, Digits]:
    """(to train and calibrate with, to judge with): 1300 and 497 of them."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = found.images.astype(np.float32).repeat(2, axis=1).repeat(2, axis=2)[:, None] / 8.0 - 1.0
    turn = np.random.default_rng(0).permutation(len(images))
    images, labels = images[turn], found.target[turn].astype(np.int64)
    return Digits(images[_HELD_OUT:], labels[_HELD_OUT:]), Digits(images[:_HELD_OUT], labels[:_HELD_OUT])


class _Net(nn.Sequential):
    pass


def trained_v2(activation: type[nn.Module] = nn.ReLU6) -> nn.Module:
    """Four inverted residuals, as in MobileNetV2."""
    return _trained(
        _Net(
            ConvNorm(1, 8, 3, 1, activation=activation),
            InvertedResidual(8, 8, 8, activation=activation),
            InvertedResidual(8, 12, 48, stride=2, activation=activation),
            InvertedResidual(12, 12, 72, activation=activation),
            InvertedResidual(12, 16, 72, stride=2, activation=activation),
            ConvNorm(16, 64, 1, activation=activation),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
    )


def trained_v3() -> nn.Module:
    """HardSwish and squeeze-and-excitation, as in MobileNetV3."""
    return _trained(
        _Net(
            ConvNorm(1, 8, 3, 1, activation=nn.Hardswish),
            InvertedResidual(8, 8, 16, squeezed=8, activation=nn.ReLU),
            InvertedResidual(8, 12, 48, 5, 2, squeezed=16, activation=nn.Hardswish),
            InvertedResidual(12, 12, 72, 5, squeezed=24, activation=nn.Hardswish),
            InvertedResidual(12, 16, 72, 5, 2, squeezed=24, activation=nn.Hardswish),
            ConvNorm(16, 64, 1, activation=nn.Hardswish),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 10),
        )
    )


def _trained(net: nn.Module, *, epochs: int = 12) -> nn.Module:
    torch.set_num_threads(1)
    train, _ = digits()
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        initialise(net)
        optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
        steps = epochs * (len(images) // 64)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        net.train()
        for _ in range(epochs):
            for chosen in torch.randperm(len(images)).split(64)[:-1]:
                optimiser.zero_grad()
                nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
                optimiser.step()
                schedule.step()
    return net.eval()


def hard(net: nn.Module, *, spread: float = 1000.0, seed: int = 0) -> nn.Module:
    """`net` (of `trained_v2(nn.ReLU)`) with hidden channels scaled by factors from 1 to `spread`, changed in place.

    In each inverted residual: expansion, depthwise and projection. ReLU lets a positive factor through.
    """
    rng = np.random.default_rng(seed)
    for block in net.modules():
        if isinstance(block, InvertedResidual) and block.expand is not None:
            channels = block.project.conv.weight.shape[1]
            factors = torch.from_numpy(spread ** rng.uniform(-0.5, 0.5, channels)).float()
            with torch.no_grad():
                # The norm's scale and shift after the expansion; the depthwise filter lets it through; the projection.
                block.expand.norm.weight.mul_(factors)
                block.expand.norm.bias.mul_(factors)
                block.depthwise.norm.running_mean.mul_(factors)
                block.depthwise.norm.bias.mul_(factors)
                block.depthwise.norm.weight.mul_(factors)
                # (x·f − m·f) / σ: the variance stays as it was, so f arrives once.
                block.depthwise.norm.weight.div_(factors)
                block.project.conv.weight.div_(factors.reshape(1, -1, 1, 1))
    return net


def write(net: nn.Module, path: Path) -> Path:
    """Write it as ONNX."""
    with torch.no_grad():
        program = torch.export.export(net, (torch.zeros(1, 1, _SIDE, _SIDE),))
    torch_to_onnx(program, path, metadata={})
    return path


def top1(path: Path, judge: Digits) -> tuple[float, NDArray[np.float32]]:
    """(share of right answers, logits [N, 10]) of an ONNX file in ONNX Runtime's exact kernels."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"input": image[None]})[0] for image in judge.images])
    return float((logits.argmax(axis=1) == judge.labels).mean()), logits
