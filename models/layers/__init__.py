"""The layers of separable networks, one idea a file: normalised convolutions, depthwise, pointwise, and blocks of them.

Formulas hold for k kernel positions (3×3: 9) and P output positions (H·W). Weights come from torch's random generator;
`seeded` makes them repeatable. Importing this loads torch.
"""

from .convolution import ConvNorm
from .depthwise import Depthwise
from .inverted_residual import InvertedResidual
from .padding import Padding, pad_same
from .pointwise import Pointwise
from .separable import DepthwiseSeparable
from .squeeze_excite import SqueezeExcite
from .weights import initialise, seeded, set_norm_statistics
from .widths import make_divisible

__all__ = [
    "ConvNorm",
    "Depthwise",
    "DepthwiseSeparable",
    "InvertedResidual",
    "Padding",
    "Pointwise",
    "SqueezeExcite",
    "initialise",
    "make_divisible",
    "pad_same",
    "seeded",
    "set_norm_statistics",
]
