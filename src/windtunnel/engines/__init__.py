"""The things a design talks to: one port each, a model for the tunnel, adapters to the real thing."""
