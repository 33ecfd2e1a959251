"""What each layer of a file gives, one file a format: the outputs of all layers with weights, in the network's order.

An output is what the next layer reads: after the activation that follows, and, where the file holds it as codes, what
the codes stand for. [1, C, H, W] or [1, C], float32, whatever the layout of the file.
"""
