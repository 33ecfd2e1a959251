"""Ways to a board: this machine, SSH through the system's OpenSSH, an emulated core. All answer to `Transport`."""

from .interface import Ran, Transport

__all__ = ["Ran", "Transport"]
