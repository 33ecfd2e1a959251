"""Changes of the float network that leave what it computes and make it easier to quantise.

A positive number that a channel is divided by where it is made, and multiplied with where it is read, changes nothing
but the ranges. `streams` says which values have to take part in that, `rescale` does it, and each of `cross_layer`,
`residual_stream` and `absorb_bias` is one reason to. `prepare` is what a recipe asks for.
"""
