"""Weights onto their int8 grid, and biases that take back what rounding does to the mean: one file a technique."""
