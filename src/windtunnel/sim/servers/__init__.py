"""Servers: customers, workers, a queue between them, and the order in which it is served."""
