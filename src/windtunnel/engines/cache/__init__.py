"""A cache in the memory of a server: values that expire, counters, sorted sets, scripts, replicas."""
