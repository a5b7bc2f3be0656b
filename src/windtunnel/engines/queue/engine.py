"""What a queue stands on."""

from windtunnel.engines.registry import Port

PORT = Port("queue", on={"sim": "model:ModelQueue", "nats": "nats:NatsQueue"}, live="nats")
