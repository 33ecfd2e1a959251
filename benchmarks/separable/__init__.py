"""The page on separable convolutions: its pictures, its tables and what it measured, by one command in two languages.

`python -m benchmarks.separable` draws and writes; with `--measure` it measures first.
"""
