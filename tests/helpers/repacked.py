"""A GGUF file packed anew by llama.cpp's own writer: what one engine reads in full, another may round."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def repacked(source: Path, target: Path) -> Path:
    """The same model in eight bits a weight, with all that the file says of it."""
    found = gguf.GGUFReader(str(source))
    writer = gguf.GGUFWriter(str(target), "llama")
    for one in found.fields.values():
        if one.name not in ("general.architecture", "general.file_type") and not one.name.startswith("GGUF."):
            inner = one.types[-1] if one.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(one.name, one.contents(), one.types[0], sub_type=inner)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    eight = gguf.GGMLQuantizationType.Q8_0
    for tensor in found.tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(tensor.name, np.array(tensor.data, np.float32))
        else:
            numbers = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            writer.add_tensor(tensor.name, gguf.quants.quantize(numbers, eight), raw_dtype=eight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target
