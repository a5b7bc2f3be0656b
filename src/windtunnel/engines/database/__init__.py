"""A relational database: rows, conditional updates, row locks, isolation levels."""
