"""Judges of what happened: pure functions of a history that answer valid, invalid or unknown.

Each verdict carries a witness, the few operations that contradict each other, and one sentence. ``docs/checking.md``
tells what is checked, by which names operations go, and the file form.
"""
