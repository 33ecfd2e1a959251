"""How `files/paddle.onnx` was made: a small separable network of Paddle 3.3, by paddle2onnx 2.1 for opset 11.

    pip install --target paddle --no-deps paddlepaddle paddle2onnx opt_einsum astor decorator httpx safetensors
    PYTHONPATH=paddle python tests/support/make_paddle_file.py tests/support/files/paddle

Paddle is no dependency of the tests: they read the file.
"""

from __future__ import annotations

import sys

import paddle
from paddle import nn


class Net(nn.Layer):
    """[N, 3, 16, 16] → [N, 5]: convolutions with batch normalisation, hard swish and a squeeze-excite."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2D(3, 4, 3, 2, 1, bias_attr=False), nn.BatchNorm2D(4), nn.Hardswish())
        self.dw = nn.Sequential(nn.Conv2D(4, 4, 3, 1, 1, groups=4, bias_attr=False), nn.BatchNorm2D(4), nn.ReLU6())
        self.squeeze, self.expand = nn.Conv2D(4, 2, 1), nn.Conv2D(2, 4, 1)
        self.pw = nn.Sequential(nn.Conv2D(4, 8, 1, bias_attr=False), nn.BatchNorm2D(8), nn.Hardswish())
        self.pool, self.fc = nn.AdaptiveAvgPool2D(1), nn.Linear(8, 5)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        x = self.dw(self.stem(x))
        gate = nn.functional.hardsigmoid(self.expand(nn.functional.relu(self.squeeze(self.pool(x)))))
        return nn.functional.softmax(self.fc(self.pool(self.pw(x * gate)).flatten(1)))


if __name__ == "__main__":
    paddle.seed(0)
    net = Net()
    net.eval()
    spec = [paddle.static.InputSpec([None, 3, 16, 16], "float32", "x")]
    paddle.onnx.export(net, sys.argv[1], input_spec=spec, opset_version=11)
