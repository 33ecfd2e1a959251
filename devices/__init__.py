"""Where figures are measured: targets and their names, and this machine as the first of them.

`Target` names a board, its system, a runtime and a thread count. `local.bench` measures a file on this machine in a
process of its own; import it from its file.
"""

from .target import HOST, Target, host, host_targets

__all__ = ["HOST", "Target", "host", "host_targets"]
