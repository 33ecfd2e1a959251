"""Networks in torch: the separable layers, the zoo built of them, and loading a user's own.

A network leaves this room as a `torch.export.ExportedProgram` (or as the path of an ONNX file that was one already),
together with how its input is prepared and what its classes are called. `layers` and the networks' files import
torch; the names here do so only when a network is built or loaded.
"""

from .source import LoadedSource, load_source
from .zoo import ZOO, ZooEntry

__all__ = ["ZOO", "LoadedSource", "ZooEntry", "load_source"]
