"""The same small program on real asyncio and in the tunnel: what it sees must be equal.

Each is about a detail that libraries rest on: what a task awaits until it is stepped, who wins between a result and a
cancellation, in what order callbacks come.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from windtunnel.sim.kernel import Simulator

Program = Callable[[], Coroutine[Any, Any, Any]]


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


async def what_a_task_awaits() -> list[str]:
    future = asyncio.get_running_loop().create_future()

    async def wait() -> str:
        await future
        return repr(asyncio.current_task()._fut_waiter)  # type: ignore[union-attr]

    task = asyncio.create_task(wait())
    seen = [repr(task._fut_waiter)]  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    seen.append(str(task._fut_waiter is future))  # type: ignore[attr-defined]
    future.set_result(1)
    seen.append(str(task._fut_waiter is future))  # type: ignore[attr-defined]
    seen.append(await task)
    return seen


async def cancelled_between_result_and_step() -> list[object]:
    seen: list[object] = []

    async def wait(future: asyncio.Future[int], name: str) -> None:
        try:
            seen.append((name, await future))
        except asyncio.CancelledError as error:
            seen.append((name, "cancelled", error.args))
            raise

    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]
    tasks = [asyncio.create_task(wait(future, f"{n}")) for n, future in enumerate(futures)]
    await asyncio.sleep(0)
    for future in futures:
        future.set_result(7)
    tasks[1].cancel("told why")  # it is about to be stepped: it keeps its turn between the others
    seen.append((tasks[1]._must_cancel, tasks[1].cancelling()))  # type: ignore[attr-defined]
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def cancelled_before_the_first_step() -> list[object]:
    seen: list[object] = []

    async def note(name: str) -> None:
        seen.append(name)

    tasks = [asyncio.create_task(note(name)) for name in "abc"]
    tasks[1].cancel()
    tasks[1].add_done_callback(lambda _: seen.append("b is over"))
    await asyncio.wait(tasks)
    return [*seen, tasks[1].cancelled()]


async def cancelled_while_it_gives_way() -> list[object]:
    seen: list[object] = []

    async def turn(name: str) -> None:
        try:
            for number in range(3):
                seen.append(f"{name}{number}")
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append(f"{name} cancelled")

    tasks = [asyncio.create_task(turn(name)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait(tasks)
    return seen


async def cancels_itself() -> list[object]:
    seen: list[object] = []
    loop = asyncio.get_running_loop()

    async def on_a_future() -> None:
        asyncio.current_task().cancel("enough")  # type: ignore[union-attr]
        loop.call_soon(seen.append, "a callback")
        try:
            await loop.create_future()
        except asyncio.CancelledError as error:
            seen.append(("future", error.args))

    async def on_a_turn() -> None:
        asyncio.current_task().cancel("enough")  # type: ignore[union-attr]
        loop.call_soon(seen.append, "a callback")
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            seen.append(("turn", error.args))

    async def at_the_end() -> None:
        asyncio.current_task().cancel("enough")  # type: ignore[union-attr]

    for program in (on_a_future, on_a_turn, at_the_end):
        task = asyncio.create_task(program())
        try:
            await task
        except asyncio.CancelledError as error:
            seen.append(("awaited", error.args))
    return seen


async def cancelled_twice_and_taken_back() -> list[object]:
    seen: list[object] = []

    async def stubborn() -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(0.01)
                seen.append("slept")
            except asyncio.CancelledError:
                me = asyncio.current_task()
                assert me is not None
                seen.append(("cancelled", me.cancelling(), me.uncancel()))

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    task.cancel()
    await task
    return seen


async def a_future_that_refuses() -> list[object]:
    class Refuses(asyncio.Future):  # type: ignore[type-arg]
        def cancel(self, msg: object = None) -> bool:
            return False

    seen: list[object] = []
    future = Refuses()

    async def wait() -> None:
        try:
            await future
        except asyncio.CancelledError as error:
            seen.append(error.args)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel("later")
    await asyncio.sleep(0)
    seen.append(task.done())
    future.set_result(1)
    await task
    return seen


async def timeouts_of_all_kinds() -> list[object]:
    seen: list[object] = []
    for limit in (-1, 0, -float("inf"), float("inf"), 1e300, None):
        try:
            async with asyncio.timeout(limit) as scope:
                await asyncio.sleep(0.001)
            seen.append(scope.expired())
        except TimeoutError:
            seen.append("expired")
    return seen


async def closing_the_loop_that_runs() -> str:
    try:
        asyncio.get_running_loop().close()
    except RuntimeError as error:
        return str(error)
    return "nothing"


async def a_callback_that_cancels_itself_and_raises() -> list[object]:
    seen: list[object] = []
    handles: list[asyncio.Handle] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append((context["message"], repr(context["exception"]))))

    def wrong(text: str) -> None:
        handles.pop(0).cancel()
        raise LookupError(text)

    handles += [loop.call_soon(wrong, "soon"), loop.call_later(0.001, wrong, "later")]
    await asyncio.sleep(0.01)
    return seen


async def an_item_for_a_receiver_that_is_cancelled_after_it() -> list[str]:
    received: list[str] = []
    send, receive = anyio.create_memory_object_stream[str]()

    async def receiver(*, task_status: Any) -> None:
        with anyio.CancelScope() as scope:
            task_status.started(scope)
            received.append(await receive.receive())

    async with anyio.create_task_group() as group:
        scope = await group.start(receiver)
        await anyio.sleep(0.01)
        send.send_nowait("hello")
        scope.cancel()
    send.close()
    receive.close()
    return received


async def an_item_for_a_receiver_that_is_cancelled_before_it() -> str:
    send, receive = anyio.create_memory_object_stream[str](1)
    task = asyncio.create_task(receive.receive())
    await asyncio.sleep(0.01)
    task.cancel()
    send.send_nowait("item")
    await asyncio.gather(task, return_exceptions=True)
    with send, receive:
        try:
            return receive.receive_nowait()
        except anyio.WouldBlock:
            return "lost"


async def an_event_that_is_set_and_cancelled() -> list[object]:
    event, seen = anyio.Event(), list[object]()

    async def wait() -> None:
        try:
            await event.wait()
            seen.append("set")
        except BaseException as error:
            seen.append(type(error).__name__)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.sleep(0.01)
        event.set()
        group.cancel_scope.cancel()
    return seen


async def sleeping_for_ever_within_a_limit() -> str:
    with anyio.move_on_after(0.01):
        await anyio.sleep_forever()
    return "moved on"


def _kind(call: Callable[..., object], *args: object) -> object:
    """What it returned, or of what kind its error was and what it said."""
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__, str(error)


class _Told(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.seen: list[object] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.seen.append(data)

    def error_received(self, exc: Exception) -> None:
        self.seen.append(type(exc).__name__)

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.append(repr(exc))


async def what_is_and_is_not_a_datagram() -> list[object]:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: seen.append(context["message"]))
    server, there = await loop.create_datagram_endpoint(_Told, local_addr=("127.0.0.1", 0))
    address = server.get_extra_info("sockname")
    client, here = await loop.create_datagram_endpoint(_Told, remote_addr=address)
    seen: list[object] = []
    things = ("text", None, 5, [1], b"", bytearray(), b"1", bytearray(b"2"), memoryview(b"3"))
    seen += [_kind(client.sendto, data) for data in things]
    seen.append(_kind(client.sendto, b"4", address))
    await asyncio.sleep(0.01)
    for wrong in (None, ("127.0.0.1", 70_000), ("127.0.0.1",), ["127.0.0.1", 1]):
        free, freed = await loop.create_datagram_endpoint(_Told, local_addr=("127.0.0.1", 0))
        seen += [_kind(free.sendto, b"x", wrong), free.is_closing()]
        await asyncio.sleep(0.01)
        seen += freed.seen
        free.close()
    server.close()
    client.close()
    return [*seen, *there.seen, *here.seen]


async def _connected() -> tuple[socket.socket, socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        one = socket.socket()
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, listener.getsockname())
        other, _ = await asyncio.get_running_loop().sock_accept(listener)
    return one, other


async def what_sockets_refuse() -> list[object]:
    one, other = await _connected()
    seen = [_kind(one.send, data) for data in ("text", 5, [1, 2], None, b"", b"abc")]
    await asyncio.sleep(0.01)
    seen += [_kind(other.recv, size) for size in (0, -1, 2, 9, 0, 9)]
    seen.append(_kind(one.shutdown, 7))
    one.shutdown(socket.SHUT_WR)
    seen += [_kind(one.send, b"x"), await asyncio.get_running_loop().sock_recv(other, 9)]
    one.close()
    seen += [
        _kind(one.send, b"x"),
        _kind(one.getpeername),
        _kind(one.getsockname),
        _kind(one.shutdown, 1),
        repr(one)[:1],
    ]
    other.close()
    return seen


async def a_reader_whose_socket_is_shut_down() -> list[object]:
    loop = asyncio.get_running_loop()
    one, other = await _connected()
    task = asyncio.create_task(loop.sock_recv(one, 9))
    await asyncio.sleep(0.01)
    one.shutdown(socket.SHUT_RDWR)
    seen: list[object] = [await asyncio.wait_for(task, 1), await asyncio.wait_for(loop.sock_recv(other, 9), 1)]
    reader, writer = await asyncio.open_connection(sock=other)
    writer.get_extra_info("socket").shutdown(socket.SHUT_RD)
    seen.append(await asyncio.wait_for(reader.read(), 1))
    writer.close()
    one.close()
    return seen


async def addresses_that_are_none() -> list[object]:
    loop = asyncio.get_running_loop()
    wrong: list[Any] = [None, "x", ("127.0.0.1",), ("127.0.0.1", "1"), ("127.0.0.1", -1), ["127.0.0.1", 1], (5, 1)]
    with socket.socket() as sock:
        seen = [_kind(call, address) for address in wrong for call in (sock.bind, sock.connect)]
    for host, port in (("127.0.0.1", 70_000), ("127.0.0.1", -1), ("", 1), (None, -1), (None, None)):
        try:
            await loop.create_connection(asyncio.Protocol, host, port)  # type: ignore[arg-type]
        except Exception as error:
            seen.append(type(error).__name__)
    for name, number in (("localhost", -1), ("", 80), (None, 80), (None, None)):
        try:
            seen.append(await loop.getaddrinfo(name, number, family=socket.AF_INET, type=socket.SOCK_STREAM))
        except OSError as error:
            seen.append((type(error).__name__, error.errno))
    return seen


REMEMBERS = sys.version_info[:3] != (3, 13, 0)
"""A loop of 3.13.0 that is asked to run for ever, and refuses, is the running one no more."""


async def asking_the_loop_to_run_while_it_runs() -> list[object]:
    loop, done = asyncio.get_running_loop(), list[str]()

    async def other() -> None:
        done.append("never")

    seen: list[object] = []
    coro = other()
    calls: list[Callable[[], object]] = [
        lambda: loop.run_until_complete(coro),
        *([loop.run_forever] if REMEMBERS else []),
        loop.close,
        lambda: asyncio.run(coro),
    ]
    for call in calls:
        try:
            call()
        except RuntimeError:
            seen.append("refused")
        seen.append(asyncio.get_running_loop() is loop)
    await asyncio.sleep(0.01)
    coro.close()
    return [*seen, *done, await asyncio.wait_for(asyncio.sleep(0.01, "goes on"), 1)]


PROGRAMS: list[Program] = [
    what_a_task_awaits,
    cancelled_between_result_and_step,
    cancelled_before_the_first_step,
    cancelled_while_it_gives_way,
    cancels_itself,
    cancelled_twice_and_taken_back,
    a_future_that_refuses,
    timeouts_of_all_kinds,
    closing_the_loop_that_runs,
    a_callback_that_cancels_itself_and_raises,
    an_item_for_a_receiver_that_is_cancelled_after_it,
    an_item_for_a_receiver_that_is_cancelled_before_it,
    an_event_that_is_set_and_cancelled,
    sleeping_for_ever_within_a_limit,
    what_is_and_is_not_a_datagram,
    what_sockets_refuse,
    a_reader_whose_socket_is_shut_down,
    addresses_that_are_none,
    asking_the_loop_to_run_while_it_runs,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_sees_in_the_tunnel_what_it_sees_on_real_asyncio(program: Program) -> None:
    with Simulator() as sim:
        ours = sim.run_until(sim.host("a").create_task(program()))
    assert ours == asyncio.run(program())


@pytest.mark.parametrize("raising", ["data_received", "eof_received"])
def test_a_protocol_that_raises_loses_its_connection(raising: str) -> None:
    async def main() -> list[object]:
        seen: list[object] = []
        over = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["message"]))

        class Raises(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                if raising == "data_received":
                    raise ValueError("data")

            def eof_received(self) -> bool:
                raise ValueError("end")

            def connection_lost(self, error: BaseException | None) -> None:
                seen.append(repr(error))
                over.set_result(None)

        server = await asyncio.get_running_loop().create_server(Raises, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"x")
        writer.write_eof()
        seen.append(await reader.read())
        await over
        writer.close()
        server.close()
        return sorted(seen, key=repr)

    with Simulator() as sim:
        ours = sim.run_until(sim.host("a").create_task(main()))
    assert ours == asyncio.run(main())
    assert len(ours) == 3
