"""The network in torch, with rounding that gradients pass through: what a technique that learns looks at.

`network.FakeNetwork` runs the canonical graph, whole or in pieces, as the QDQ file would; `ops` has one row an op;
`rounding` has the rounding functions and their gradients; `grid` and `layer` hold what can be learned.

It loads torch, so it is imported from its files, by techniques that are loaded only where a recipe asks for them.
"""
