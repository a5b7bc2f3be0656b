"""What the real engines share: servers of ours under a guard, connections that can be cut."""
