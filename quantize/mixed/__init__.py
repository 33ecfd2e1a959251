"""Mixed precision: which layers int8 costs most, the smallest set to leave in float, and the curve of what it buys.

Everything here starts from one quantisation of the whole network and leaves some of its layers in float; grids and
codes of the others stay as they are, so that a set costs one file and a few inferences to measure, not a calibration.
"""
