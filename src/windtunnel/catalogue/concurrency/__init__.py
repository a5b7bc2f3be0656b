"""Threads, processes, asyncio, locks."""
