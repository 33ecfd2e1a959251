"""What each quantiser's file is worth: Sepia's recipes and the field's tools on one network, in one run.

`python -m benchmarks.quantizers` runs every row in a process of its own, from the same torch network and the same
photos to an int8 file, and judges the file in the runtime that it is made for, on photos that nobody calibrated on and
on their mirror images. Three tables: all of them; Sepia's recipes by what they were calibrated on; weights with one
scale a layer.
"""
