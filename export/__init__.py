"""One file or folder for each format that a network can leave in: torch → ONNX, ONNX → TFLite, ONNX → OpenVINO IR.

A quantised file is only ever a translation of the QDQ ONNX file, the one place where scales and codes are decided.
Import from the files, `from sepia.export.onnx_to_tflite import onnx_to_tflite`: each brings its own heavy libraries.
"""
