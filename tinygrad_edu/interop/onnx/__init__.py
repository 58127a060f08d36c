"""ONNX: models for other programs, and models from them. `te.interop.onnx.export` and `te.interop.onnx.load`.

It needs the package onnx, which is imported when a file is first written or read.
"""

from tinygrad_edu.interop.onnx.export import export
from tinygrad_edu.interop.onnx.load import OnnxModule, load
from tinygrad_edu.interop.onnx.proto import OnnxError

__all__ = ["OnnxError", "OnnxModule", "export", "load"]
