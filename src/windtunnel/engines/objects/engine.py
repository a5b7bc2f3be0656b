"""What an object store stands on."""

from windtunnel.engines.registry import Port

PORT = Port("objects", on={"sim": "model:ModelObjects", "folder": "folder:FolderObjects"}, live="folder")
