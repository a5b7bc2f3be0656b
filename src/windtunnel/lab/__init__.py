"""Experiments, their runs, and the judges of what happened."""
