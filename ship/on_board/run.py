"""Run the agent that lies beside this file: python3 -I …/agent/run.py --root DIR COMMAND.

Isolated: neither the folder that it is started in nor the user's own packages are on its path. The folder is named by
where it really is, so that a run that began with one agent ends with it, though the link is switched meanwhile.
"""

from __future__ import annotations

import os
import runpy
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # before any import of its own
runpy.run_module("sepia_agent", run_name="__main__", alter_sys=True)
