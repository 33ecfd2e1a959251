"""The ONNX graph, on `onnx_ir`: reading and checking a file, what each layer is, the one canonical form that quantisers
and translators rely on, the view of a quantised file that every translation starts from, and what each layer costs.

Import from the files: `load.load_graph`, `passes.canonicalize`, `qdq.read_qdq`, `kinds.kind_of`, `cost.graph_cost`,
`describe.describe`; `quantization.QuantParams` needs NumPy alone.
"""
