"""Where a quantised network loses what: the error at its output by layer, weights apart from activations, by channel.

It reads a float ONNX file and a QDQ file of whatever tool, finds what of the one belongs to what of the other
(`sources`), and runs the float network with any choice of weights and grids switched on (`switched`). `explain` is the
road; what it finds is plain data (`explanation`), which the report's room draws.
"""
