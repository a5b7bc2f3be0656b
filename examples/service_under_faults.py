"""A service of one's own under faults: a store with a backup, in plain asyncio, and a machine that loses its power.

The store is ordinary code. In the tunnel each copy runs on a simulated host, the sockets between them are a simulated
network, and a second of theirs costs no second of ours. What clients saw is a history, and a checker judges it.
"""

import asyncio

from windtunnel import Event, History
from windtunnel.checkers import KeyValue, Verdict, check_linearizable
from windtunnel.sim import Simulator, exponential


# --- the service: unmodified asyncio -----------------------------------------------------------------------------
async def ask(host: str, line: str) -> str:
    """One line there, one line back; TimeoutError or OSError where nobody answers."""
    async with asyncio.timeout(1.0):
        reader, writer = await asyncio.open_connection(host, 7000)
        try:
            writer.write(line.encode() + b"\n")
            answer = await reader.readline()
        finally:
            writer.close()
    if not answer:
        raise ConnectionError("The answer was cut off.")
    return answer.decode().strip()


async def store(backup: str, copy_first: bool) -> None:
    """Keep values by key; put each into the backup as well, before the answer or some time after it."""
    data: dict[str, str] = {}
    one_at_a_time = asyncio.Lock()
    copies = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb, key, value = (await reader.readline()).decode().split()
        if verb == "put":
            async with one_at_a_time:
                if backup and copy_first:
                    await ask(backup, f"put {key} {value}")
                elif backup:
                    copies.add(asyncio.create_task(ask(backup, f"put {key} {value}")))
                data[key] = value
        writer.write(f"{data.get(key, '-')}\n".encode())
        writer.close()

    async with await asyncio.start_server(talk, "0.0.0.0", 7000) as server:
        await server.serve_forever()


# --- the tunnel: hosts, clients, a fault, a history --------------------------------------------------------------
def in_the_tunnel(seed: int, copy_first: bool) -> Verdict:
    """Let four clients put and get for three seconds; after one and a half the first host loses its power for good."""
    events: list[Event] = []
    with Simulator(seed) as sim:
        primary, backup = sim.host("primary"), sim.host("backup")
        sim.network.connect(primary, backup, latency=exponential(0.03, 0.01))  # in another town
        primary.start(store, "backup", copy_first)
        backup.start(store, "", copy_first)
        sim.faults.crash(primary, at_s=1.5)

        async def client(name: str) -> None:
            luck, using = sim.random(name), "primary"
            for number in range(30):
                await asyncio.sleep(luck.expovariate(1 / 0.05))
                key = luck.choice("abc")
                writes, value, start = luck.random() < 0.5, f"{name}{number}", sim.now
                try:
                    seen = await ask(using, f"put {key} {value}" if writes else f"get {key} -")
                except OSError:  # TimeoutError is one: nobody can tell whether it was carried out
                    using, seen = "backup", ""
                name_of, args = ("put", (key, value)) if writes else ("get", (key,))
                answer = None if writes or seen in ("", "-") else seen
                outcome = "ok" if seen else "unknown"
                events.append(Event(name, name_of, args, start, sim.now, outcome, answer))

        clients = [sim.host(name).create_task(client(name)) for name in ("ann", "bob", "cyd", "dan")]
        for one in clients:
            sim.run_until(one)
    return check_linearizable(History(events), KeyValue())


def main() -> None:
    for copy_first in (False, True):
        verdicts = {seed: in_the_tunnel(seed, copy_first) for seed in range(5)}
        wrong = [seed for seed, verdict in verdicts.items() if not verdict.ok]
        print(
            f"copied {'before' if copy_first else 'after'} the answer: {len(wrong)} of {len(verdicts)} seeds go wrong"
        )
        if wrong:
            print(f"  seed {wrong[0]}: {verdicts[wrong[0]].sentence}")


if __name__ == "__main__":
    main()
