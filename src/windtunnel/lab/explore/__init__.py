"""Explorers of schedules; `windtunnel.explore` is their face."""
