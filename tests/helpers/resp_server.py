"""A small server of the Redis protocol (RESP 2) on asyncio streams: PING, GET, SET, INCRBY, MULTI/EXEC, publish."""

from __future__ import annotations

import asyncio
from collections import defaultdict


class RespServer:
    """Keeps strings in memory. `commands` counts what was executed, whether or not the answer arrived."""

    def __init__(self) -> None:
        self.data: dict[bytes, bytes] = {}
        self.commands: list[bytes] = []
        self.subscribers: defaultdict[bytes, list[asyncio.StreamWriter]] = defaultdict(list)

    async def serve(self, port: int = 6379) -> None:
        self.data.clear()
        server = await asyncio.start_server(self.talk, "0.0.0.0", port)
        async with server:
            await server.serve_forever()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queued: list[list[bytes]] | None = None
        try:
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2])
                name = words[0].upper()
                if name == b"MULTI":
                    queued = []
                    writer.write(b"+OK\r\n")
                elif name == b"EXEC" and queued is not None:
                    answers = [self.execute(each, writer) for each in queued]
                    writer.write(b"*%d\r\n" % len(answers) + b"".join(answers))
                    queued = None
                elif queued is not None:
                    queued.append(words)
                    writer.write(b"+QUEUED\r\n")
                else:
                    writer.write(self.execute(words, writer))
                await writer.drain()
        finally:
            writer.close()

    def execute(self, words: list[bytes], writer: asyncio.StreamWriter) -> bytes:
        name, *arguments = words
        self.commands.append(name.upper())
        match name.upper(), arguments:
            case b"PING", []:
                return b"+PONG\r\n"
            case ((b"CLIENT" | b"SELECT"), _):
                return b"+OK\r\n"
            case b"GET", [key]:
                return bulk(self.data.get(key))
            case b"SET", [key, value]:
                self.data[key] = value
                return b"+OK\r\n"
            case b"INCRBY", [key, step]:
                self.data[key] = b"%d" % (int(self.data.get(key, b"0")) + int(step))
                return b":" + self.data[key] + b"\r\n"
            case b"SUBSCRIBE", [channel]:
                self.subscribers[channel].append(writer)
                return b"*3\r\n" + bulk(b"subscribe") + bulk(channel) + b":1\r\n"
            case b"PUBLISH", [channel, text]:
                for each in self.subscribers[channel]:
                    each.write(b"*3\r\n" + bulk(b"message") + bulk(channel) + bulk(text))
                return b":%d\r\n" % len(self.subscribers[channel])
        return b"-ERR unknown command\r\n"


def bulk(value: bytes | None) -> bytes:
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
