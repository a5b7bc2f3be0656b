"""A trace of requests: what was recorded of one run of one design, and how it is read.

>>> from windtunnel import find, run
>>> from windtunnel.lab.trace.reading import at, topology
>>> traces = run(find("up-or-out"), quick=True, trace=True).trace
>>> print(topology(traces["shared_queue"]).text())  # doctest: +SKIP
"""
