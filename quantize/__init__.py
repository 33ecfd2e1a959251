"""Float ONNX → QDQ ONNX, once: where the pairs go, what range each tensor has, how weights are rounded.

One file a technique, in `ranges/` and `rounding/`; each sees arrays and layers and nothing of a graph or a runtime.
`placement` decides from the op table what runs in int8, `calibration/` runs the network over the data, `write_qdq`
writes the file, and `quantize` is the road through all of them.

The road loads ONNX Runtime, so it is imported from its file: `from sepia.quantize.quantize import quantize`.
"""

from .recipes import RECIPES, Recipe, recipe
from .summary import Quantization

__all__ = ["RECIPES", "Quantization", "Recipe", "recipe"]
