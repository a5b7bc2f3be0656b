"""Every experiment: a track per folder, an experiment per file."""
