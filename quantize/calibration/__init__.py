"""The float network over the data, once: what its tensors do, in memory that does not grow with the samples."""
