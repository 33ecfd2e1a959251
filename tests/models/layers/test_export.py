"""Every layer through the exporter: the ONNX graph costs what the formula says, and gives what the module gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from sepia.export.torch_to_onnx import torch_to_onnx
from sepia.graph.cost import graph_cost
from sepia.graph.load import load_graph
from sepia.models.layers import ConvNorm, Depthwise, DepthwiseTransposed, Layer
from sepia.models.layers.table import LAYERS
from support.drawn_modules import channels_in, drawn_module
from support.slow_layers import draw_weights


def judge(layer: Layer, size: tuple[int, ...], path: Path) -> None:
    draw_weights(layer).float()
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(1, channels_in(layer), *size, generator=generator)
    with torch.no_grad():
        wanted = layer(values).numpy()
        torch_to_onnx(torch.export.export(layer, (values,)), path, metadata={})
    model = load_graph(path)
    assert sum(cost.macs for cost in graph_cost(model)) == layer.cost(size).macs
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: values.numpy()})
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.slow
@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_the_graph_is_the_layer(kind: type[Layer], tmp_path: Path) -> None:
    @settings(max_examples=10, deadline=None, derandomize=True)
    @given(drawn=drawn_module(kind))
    def each(drawn: tuple[Layer, tuple[int, ...]]) -> None:
        judge(*drawn, tmp_path / "layer.onnx")

    each()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", ["centred", "same"])
def test_so_is_every_border(mode: str, padding: str, tmp_path: Path) -> None:
    layer = Depthwise(2, 3, 2, padding=padding, padding_mode=mode)  # type: ignore[arg-type]
    judge(layer, (6, 7), tmp_path / "layer.onnx")


@pytest.mark.parametrize(("padding", "stride"), [("centred", 2), ("same", 1), ("same", 2)])
def test_zeros_need_no_pad_of_their_own(padding: str, stride: int, tmp_path: Path) -> None:
    """What TFLite and the fused kernels want: the border is the convolution's."""
    layer = ConvNorm(2, 3, 3, stride, padding=padding).eval()  # type: ignore[arg-type]
    with torch.no_grad():
        program = torch.export.export(layer, (torch.zeros(1, 2, 6, 6),))
    torch_to_onnx(program, tmp_path / "layer.onnx", metadata={})
    assert [node.op_type for node in load_graph(tmp_path / "layer.onnx").graph] == ["Conv", "Relu"]


def test_the_normalisation_and_the_cut_fold(tmp_path: Path) -> None:
    layer = DepthwiseTransposed(2, 3, 2, padding="same").eval()
    with torch.no_grad():
        program = torch.export.export(layer, (torch.zeros(1, 2, 3, 3),))
    torch_to_onnx(program, tmp_path / "layer.onnx", metadata={})
    kinds = [node.op_type for node in load_graph(tmp_path / "layer.onnx").graph]
    assert kinds == ["ConvTranspose", "Relu"]
