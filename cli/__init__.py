"""The command line: one file a command, each parses, calls one room and prints.

Result on stdout (`--json` for machines), progress on stderr. Exit code 0: done; 1: a user's error, in one line;
2: a bug of ours, with its traceback; 130: stopped with Ctrl-C.
"""

from .entry import main

__all__ = ["main"]
