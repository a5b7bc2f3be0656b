"""Serving models, searching vectors."""
