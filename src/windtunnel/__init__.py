"""A wind tunnel for backend architectures."""

__version__ = "0.1.0"
