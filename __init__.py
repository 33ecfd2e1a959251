"""Sepia: separable convolutions, int8, on Arm.

Takes a trained network built on separable convolutions to int8 files that run on small boards, with a report of what
each target pays in latency, memory and accuracy. Each folder beside this file is a room with one job; its first
paragraph says which. Importing `sepia` loads none of the heavy libraries.
"""

from .errors import SepiaError

__all__ = ["SepiaError", "__version__"]

__version__ = "0.1.0"
