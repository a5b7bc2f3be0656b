"""The tunnel: virtual time, simulated hosts and networks, and nothing of the layers above."""
