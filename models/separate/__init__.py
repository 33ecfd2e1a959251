"""Standard convolutions turned into separable ones: one technique a file, the choice among them, and the repair.

The techniques are linear algebra on NumPy arrays and know no torch; `network` takes a captured program apart and puts
the new layers in. What a layer *is* decides `graph.kinds`: whoever calls hands the kinds over. Import from the files.
"""
