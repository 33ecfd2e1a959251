"""Putting runtimes on a board that has no internet: wheels chosen and fetched here, pushed, checked by digest there.

`provision` does it for several runtimes, `push` for any files, `push_program` for what measures; `remove` takes away.
"""

from .provision import Installed, Removed, provision, push_program, remove
from .push import Pushed, push

__all__ = ["Installed", "Pushed", "Removed", "provision", "push", "push_program", "remove"]
