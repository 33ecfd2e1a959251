"""The diagnosis of networks that are bad on purpose names the layer, the channel and the remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from sepia.errors import QuantizeError
from sepia.quantize.diagnosis.explain import explain
from sepia.quantize.diagnosis.explanation import Explanation, LayerError
from support.graphs import NetBuilder, run_graph, tiny_separable
from support.quantising import Quantised, normal_data, quantised
from support.spoilt import changed, one_scale, scaled_grid, with_dead_channel, with_wide_channel


def explained(net: Quantised) -> Explanation:
    return explain(net.source, net.path, net.data, settings=net.summary.settings)


def layer_of(found: Explanation, name: str) -> LayerError:
    (row,) = (row for row in found.layers if row.layer.startswith(name))
    return row


def worst(found: Explanation) -> LayerError:
    return max(found.layers, key=lambda row: row.share)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    return quantised(tiny_separable(), tmp_path_factory.mktemp("sound"), recipe="minmax")


@pytest.fixture(scope="module")
def found(sound: Quantised) -> Explanation:
    return explained(sound)


def test_sqnr_is_that_of_plain_numpy(sound: Quantised, found: Explanation) -> None:
    row = layer_of(found, "block2.add")
    signal = noise = 0.0
    for sample in sound.data:
        real = run_graph(onnx.load(str(sound.source)), sample, also=("block2.add",))["block2.add"].astype(np.float64)
        name = "block2.add_dequantized"
        rounded = run_graph(onnx.load(str(sound.path)), sample, also=(name,))[name]
        signal += (real**2).sum()
        noise += ((real - rounded) ** 2).sum()
    assert row.sqnr_db == pytest.approx(10 * np.log10(signal / noise), abs=0.1)
    assert row.sqnr_alone_db is not None
    assert row.sqnr_db is not None
    assert row.sqnr_alone_db > row.sqnr_db


def test_sqnr_alone_is_that_of_float_inputs_with_the_layers_own_weights_and_grid(
    sound: Quantised, found: Explanation
) -> None:
    row = layer_of(found, "block2.dw")
    replaced = {}
    for name in ("block2.dw.weight", "block2.dw.bias"):
        codes, scale = (sound.initializer(f"{name}_{part}") for part in ("quantized", "scale"))
        replaced[name.replace(".", "__")] = codes.astype(np.float32) * scale.reshape(-1, *[1] * (codes.ndim - 1))
    floats = onnx.load(str(sound.source))
    own = changed(floats, **replaced)
    scale, zero = np.float32(sound.scale(row.tensor)), sound.zero_point(row.tensor)
    signal = noise = by_grid = 0.0
    for sample in sound.data:
        real, local = (run_graph(model, sample, also=(row.tensor,))[row.tensor] for model in (floats, own))
        signal += np.square(real, dtype=np.float64).sum()
        for values, which in ((local, "layer"), (real, "grid")):
            rounded = (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale
            error = np.square(real - rounded, dtype=np.float64).sum()
            noise, by_grid = (noise + error, by_grid) if which == "layer" else (noise, by_grid + error)
    assert row.sqnr_alone_db == pytest.approx(10 * np.log10(signal / noise), abs=0.05)
    # 0.8 dB or more apart: without the weights' rounding the first assertion fails.
    assert noise > 1.2 * by_grid


def test_whole_error_is_the_files_own_and_the_rebuilt_networks(found: Explanation) -> None:
    (output,) = found.outputs
    assert found.whole == pytest.approx(output.rms / output.spread)
    assert found.rebuilt == pytest.approx(found.whole, rel=0.05)
    assert found.lost == ()
    assert sum(row.share for row in found.layers) == pytest.approx(1.0)


def test_parts_add_up_in_quadrature_where_errors_know_nothing_of_one_another(tmp_path: Path) -> None:
    """A wide network of linear layers: no activation bends the errors, and each is a sum of many small roundings.

    12 samples of 40 outputs are 480 numbers; the mean square of a sum of independent errors of that many is known to
    √(2/480) = 6.5 %, its root to 3.2 %. 10 % is three times that.
    """
    net = NetBuilder((1, 16, 8, 8))
    x = net.input
    for number in range(3):
        x = net.conv(net.depthwise(x, name=f"dw{number}"), 40, name=f"pw{number}")
    net.node("GlobalAveragePool", [x], name="pool")
    made = quantised(net, tmp_path, recipe="minmax", data=normal_data({"image": (1, 16, 8, 8)}, 12))
    result = explained(made)
    assert result.in_quadrature == pytest.approx(result.rebuilt, rel=0.1)
    together = np.hypot(result.weights, result.activations)
    assert together == pytest.approx(result.rebuilt, rel=0.1)


def test_wide_channel_on_a_per_tensor_grid_is_named(tmp_path: Path) -> None:
    made = quantised(with_wide_channel(5), tmp_path, recipe="minmax")
    one_scale(made.path, "block1.dw.weight")
    result = explained(made)
    row = worst(result)
    assert row.layer.startswith("block1.dw")
    assert row.weights is not None
    assert row.activation is not None
    assert row.weights.share > 0.9
    assert row.weights.spared > 0.5
    assert row.weight_facts is not None
    assert row.weight_facts.widest == 5
    assert row.weight_facts.ratio is not None
    assert row.weight_facts.ratio > 300
    assert not row.weight_facts.per_channel
    assert "channel 5 sets the scale" in row.hints[0].cause
    assert 'weights = "per-channel"' in row.hints[0].remedy
    assert 5 not in [channel.channel for channel in row.worst]
    assert all(channel.ratio is not None and channel.ratio < 0.01 for channel in row.worst)


def test_the_same_network_with_a_scale_a_channel_has_no_such_hint(tmp_path: Path) -> None:
    result = explained(quantised(with_wide_channel(5), tmp_path, recipe="minmax"))
    assert not any("per-tensor" in hint.cause for row in result.layers for hint in row.hints)


def test_clipped_activation_is_named(tmp_path: Path) -> None:
    made = quantised(tiny_separable(), tmp_path, recipe="minmax")
    scaled_grid(made.path, "block2.add", 0.3)
    row = worst(result := explained(made))
    assert row.tensor == "block2.add"
    assert row.activation_facts is not None
    assert row.weights is None
    assert row.activation_facts.clipped_high + row.activation_facts.clipped_low > 0.02
    assert "are clipped at the" in row.hints[0].cause
    assert 'ranges = "minmax"' in row.hints[0].remedy
    others = [hint for other in result.layers if other is not row for hint in other.hints]
    assert not any("clipped" in hint.cause for hint in others)


def test_grid_far_wider_than_its_values_is_named(tmp_path: Path) -> None:
    made = quantised(tiny_separable(), tmp_path, recipe="minmax")
    scaled_grid(made.path, "block2.add", 8.0)
    row = worst(explained(made))
    assert row.tensor == "block2.add"
    assert row.activation_facts is not None
    assert row.activation_facts.unused > 128
    assert "times as wide as its values" in row.hints[0].cause


def test_dead_channel_is_named(tmp_path: Path) -> None:
    row = layer_of(explained(quantised(with_dead_channel(3), tmp_path, recipe="minmax")), "stem")
    assert row.dead == (3,)
    assert any("1 channel never changed on these samples (3)" in hint.cause for hint in row.hints)
    assert 3 not in [channel.channel for channel in row.worst]


def test_same_inputs_give_the_same_explanation(sound: Quantised, found: Explanation) -> None:
    assert replace(explained(sound), seconds=found.seconds) == found


def test_a_float_file_of_another_network_is_refused(sound: Quantised, tmp_path: Path) -> None:
    other = NetBuilder((1, 3, 16, 16), input_name="photo")
    path = other.save(tmp_path / "other.onnx", other.conv("photo", 4))
    with pytest.raises(QuantizeError, match="has the inputs image, and the float network photo"):
        explain(path, sound.path, sound.data)


def test_no_samples_are_refused(sound: Quantised) -> None:
    with pytest.raises(QuantizeError, match="no samples"):
        explain(sound.source, sound.path, normal_data({"image": (1, 3, 16, 16)}, 0))
