"""What separation costs and gains: a CNN of standard convolutions trained on scikit-learn's digits, EfficientNet-Lite0,
and, at the same MACs of the same layers, Tucker and CP decompositions by TensorLy.
"""
