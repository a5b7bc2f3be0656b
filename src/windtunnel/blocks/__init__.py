"""Parts that architectures are made of: usable in production as well as in the tunnel."""
