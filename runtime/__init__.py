"""The engines that run the files, behind one small interface.

Each runtime opens a file, runs it, and says in which precision every layer really ran. `RUNTIMES` maps the names that
targets use to them; a library is loaded when its runtime is first used. `processor()` says what this machine can do.
`bench.py` measures, and stands alone: it is copied to boards as it is, and imports nothing of Sepia.
"""

from .interface import Placement, Runtime, Session, TensorInfo
from .processor import Processor, processor
from .registry import RUNTIMES, runtime_named

__all__ = [
    "RUNTIMES",
    "Placement",
    "Processor",
    "Runtime",
    "Session",
    "TensorInfo",
    "processor",
    "runtime_named",
]
