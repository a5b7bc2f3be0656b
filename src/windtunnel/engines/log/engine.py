"""What a log stands on."""

from windtunnel.engines.registry import Port

PORT = Port("log", on={"sim": "model:ModelLog", "disk": "disk:DiskLog", "nats": "nats:NatsLog"}, live="disk")
