"""Chunks: files cut where their content says, each piece stored once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.chunks.chunk_store import ChunkStore as ChunkStore
    from windtunnel.blocks.chunks.chunking import Chunker as Chunker, chunks as chunks, stream_chunks as stream_chunks
    from windtunnel.blocks.chunks.fastcdc import FastCDC as FastCDC
    from windtunnel.blocks.chunks.fixed_blocks import FixedBlocks as FixedBlocks

__getattr__, __dir__ = lend(__name__)
