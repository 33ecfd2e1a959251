"""Networks as their authors define them, one family a file, built of the layers in `models.layers`.

`models.zoo` lists them with what they cost and read. `anchors` and `boxes` are what a detector needs on the host: they
take NumPy arrays and load no torch.
"""
