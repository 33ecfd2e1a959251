"""Run one command of the agent that is installed here. Arguments: {"root", "words"}. Answer: the agent's own.

{"error", "hint", "kind": "no agent"} where there is none.
"""

from __future__ import annotations

import json
import os
import runpy
import sys


def main() -> None:
    arguments = json.loads(sys.stdin.buffer.readline())
    root = os.path.abspath(os.path.expanduser(arguments["root"]))
    program = os.path.join(root, "agent", "run.py")
    if not os.path.isfile(program):
        told = {"error": f"has no agent in {root}", "hint": "sepia ship install puts one there", "kind": "no agent"}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.exit(1)
    sys.argv = [program, "--root", root, *arguments["words"]]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
