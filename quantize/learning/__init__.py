"""Techniques that learn by gradient, in torch: each file loads it, so each is imported only where a recipe asks for it.

They start from a quantisation that is whole already and give back another one; what they learn from is the float
network alone, without labels.
"""
