"""Sepia against its peers, side by side in one run: time, memory, fidelity and latency of the int8 files.

`python -m benchmarks` makes an environment for each peer on first use, prepares the photos once, runs every road
from the same torch network to int8 in a process of its own, measures it from outside, and writes the tables and
`results.json` to `build/benchmarks/`. Nothing here is in the wheel; it uses the installed `sepia`.
"""
