"""QDQ ONNX → C: the same scales and codes in one portable program without a runtime, for boards that no wheel fits.

`write_c` translates: `lower.py` is the road (`rows.py` the op table, one file for each family of ops, `arena.py` where
activations lie), `kernels/` what every program begins and ends with. `build` makes a static program of it for one
architecture: it needs no C library, opens no file and takes no memory after its start.
"""

from __future__ import annotations

from .build import ARCHITECTURES, build
from .compiler import Compiler, find_compiler
from .translate import Written, check_c, support_table, write_c

__all__ = ["ARCHITECTURES", "Compiler", "Written", "build", "check_c", "find_compiler", "support_table", "write_c"]
