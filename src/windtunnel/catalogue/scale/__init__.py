"""Scaling, balancing, replication, failure."""
