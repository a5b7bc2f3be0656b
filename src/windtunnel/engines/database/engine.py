"""What a database stands on."""

from windtunnel.engines.registry import Port

PORT = Port(
    "database",
    on={"sim": "model:ModelDatabase", "sqlite": "sqlite:SqliteDatabase", "postgres": "postgres:PostgresDatabase"},
    live="sqlite",
)
