"""Where it comes from."""

from __future__ import annotations

from windtunnel import Source

TERRY, JEPSEN, RAILS, GEM, DELAY, MONGO = (
    "Terry and others 1994",
    "Jepsen, Writes Follow Reads",
    "Rails, DatabaseSelector",
    "activerecord-wait_for_lsn",
    "recovery_min_apply_delay",
    "MongoDB, Causal Consistency",
)

SOURCES = (
    Source(
        "D. B. Terry and others, Session Guarantees for Weakly Consistent Replicated Data, PDIS",
        1994,
        "https://cs.cornell.edu/courses/cs734/2000FA/cached%20papers/SessionGuaranteesPDIS_1.html",
    ),
    Source("Jepsen, Writes Follow Reads", 2026, "https://jepsen.io/consistency/models/writes-follow-reads"),
    Source(
        "Rails, DatabaseSelector: reads go to the primary for 2 seconds after a write",
        2026,
        "https://apidock.com/rails/ActiveRecord/Middleware/DatabaseSelector",
    ),
    Source(
        "activerecord-wait_for_lsn: the position of the last write in the session, and 20 ms of waiting",
        2026,
        "https://rubygems.org/gems/activerecord-wait_for_lsn",
    ),
    Source(
        "PostgreSQL, recovery_min_apply_delay",
        2026,
        "https://postgresqlco.nf/en/doc/param/recovery_min_apply_delay/?category=replication",
    ),
    Source(
        "MongoDB, Causal Consistency and Read and Write Concerns",
        2026,
        "https://mongodb.com/docs/manual/core/causal-consistency-read-write-concerns/",
    ),
)
