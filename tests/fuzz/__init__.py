"""A differential fuzzer: drawn graphs, float and int8, through every runtime and beside plain NumPy.

`graphs.py` draws small ONNX graphs over the writer's whole op table (`draw_*.py`, a family of ops each); `reference.py`
says what each value may be, as an interval of what rounding explains; `engines.py` runs the runtimes; `judge.py` tells
what rounding does not explain, and `exceptions.py` names what a runtime itself gets wrong. `python -m tests.fuzz` runs
as many as one likes.
"""
