"""QDQ ONNX → C: the same scales and codes in one portable program without a runtime, for boards that no wheel fits."""
