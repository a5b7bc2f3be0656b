"""Let designs serve their requests: in the tunnel, live, and in worker processes."""
