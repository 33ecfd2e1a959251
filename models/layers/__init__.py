"""The layers of separable networks, one idea a file, each in 1, 2 and 3 dimensions where it has a meaning there.

A layer is a torch module that also says what it costs: `layer.cost((224, 224))`, by the formulas of its docstring, in
the symbols of `SYMBOLS`. Wrong arguments and inputs are ModelErrors of one line. Weights come from torch's random
generator; `seeded` makes them repeatable. Importing this loads torch.
"""

from .arguments import Follows, PerAxis
from .convolution import ConvNorm
from .depthwise import Depthwise
from .facts import SYMBOLS, Cost
from .inverted_residual import InvertedResidual
from .layer import Activation, Layer
from .padding import Padding, PaddingMode, pad_same
from .pointwise import Pointwise
from .separable import DepthwiseSeparable
from .separable_aspp import SeparableASPP
from .spatially_separable import SpatiallySeparable
from .squeeze_excite import SqueezeExcite
from .transposed import DepthwiseTransposed, SeparableTransposed, TransposedPadding
from .weights import initialise, seeded, set_norm_statistics
from .widths import make_divisible

__all__ = [
    "SYMBOLS",
    "Activation",
    "ConvNorm",
    "Cost",
    "Depthwise",
    "DepthwiseSeparable",
    "DepthwiseTransposed",
    "Follows",
    "InvertedResidual",
    "Layer",
    "Padding",
    "PaddingMode",
    "PerAxis",
    "Pointwise",
    "SeparableASPP",
    "SeparableTransposed",
    "SpatiallySeparable",
    "SqueezeExcite",
    "TransposedPadding",
    "initialise",
    "make_divisible",
    "pad_same",
    "seeded",
    "set_norm_statistics",
]
