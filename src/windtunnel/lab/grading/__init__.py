"""Judge a design of the user's: an adversary, trials, smallest failing cases, limits."""
