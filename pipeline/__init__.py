"""The road from end to end: `sepia.toml`, the steps chained, and what need not be done again.

One file a step (`export_files`, `quantize_files`, `check_files`, …): each reads files and writes files, and is what the
command of the same name calls. `run` chains them; a step whose inputs' digests have not changed is skipped.
"""

from ..check.model_folder import ModelFolder
from .config import RunConfig, load_config

__all__ = ["ModelFolder", "RunConfig", "load_config"]
