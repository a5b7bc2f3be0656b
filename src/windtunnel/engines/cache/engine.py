"""What a cache stands on."""

from windtunnel.engines.registry import Port

PORT = Port("cache", on={"sim": "model:ModelCache", "valkey": "valkey:ValkeyCache"}, live="valkey")
