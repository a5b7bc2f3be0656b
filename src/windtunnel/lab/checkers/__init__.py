"""Judges of what happened; `windtunnel.checkers` is their face."""
