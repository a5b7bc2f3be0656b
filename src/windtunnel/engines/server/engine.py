"""What a server stands on."""

from windtunnel.engines.registry import Port

PORT = Port("server", on={"sim": "model:model_server", "machine": "process:ProcessServer"}, live="machine")
