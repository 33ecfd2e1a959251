"""Live activations against a simulation that frees each value after its last reader."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sepia.graph.live import live_bytes, peak_bytes
from support.graphs import NetBuilder, tiny_separable
from support.passes import loaded


def simulated(model: object, bytes_of: object) -> list[int]:
    graph = model.graph  # type: ignore[attr-defined]
    nodes, outputs = list(graph), set(graph.outputs)
    memory, seen = set(graph.inputs), []
    for place, node in enumerate(nodes):
        memory |= set(node.outputs)
        seen.append(sum(bytes_of(value) for value in memory))  # type: ignore[operator]
        later = {value for other in nodes[place + 1 :] for value in other.inputs}
        memory = {value for value in memory if value in later or value in outputs}
    return seen


def elements(value: object) -> int:
    count = 1
    for size in value.shape:  # type: ignore[attr-defined]
        count *= size
    return count


@settings(max_examples=40, deadline=None)
@given(data=st.data(), length=st.integers(1, 12))
def test_random_graphs(data: st.DataObject, length: int) -> None:
    net = NetBuilder((1, 2, 3, 3))
    values = [net.input]
    for _ in range(length):
        a = data.draw(st.sampled_from(values[-4:]))
        channels = data.draw(st.integers(1, 4))
        x = net.conv(a, channels) if data.draw(st.booleans()) else net.node("Relu", [a])
        b = data.draw(st.sampled_from([value for value in values if net.channels[value] == net.channels[x]] or [x]))
        values.append(net.node("Add", [x, b]))
    more = data.draw(st.sampled_from(values[1:]))
    model = loaded(net.proto(*{values[-1]: None, more: None}))
    assert live_bytes(model.graph, elements) == simulated(model, elements)


def test_peak_of_a_residual_block() -> None:
    model = loaded(tiny_separable())
    alive = dict(zip([node.name for node in model.graph], live_bytes(model.graph, elements), strict=True))
    # While the expanded depthwise layer runs, the value that the add will need is alive, too.
    assert alive["block2.dw_node"] == 24 * 64 + 24 * 64 + 8 * 64
    assert peak_bytes(list(alive.values())) == alive["block2.dw_node"]
    assert peak_bytes([]) == 0
