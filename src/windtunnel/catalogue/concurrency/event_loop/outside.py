"""What is outside of the server of `event-loop`: its clients, and the backend that it asks.

The backend answers each message after `call_s`, as a remote service does, or one of them when it is let: whoever asks
waits for a socket. The clients hold connections; one of them sends a ping whenever one is due, whatever became of those
before, and others ask for a call, all at the same moment. Threads do it: they are few, and importing an event loop
would cost more than all of them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

HOST = "127.0.0.1"
PING, CALL, DONE = b"ping....", b"call", b"done"
"""A call has four digits more, and so has its answer."""
BACKLOG = 4096
PATIENCE_S = 30.0
"""For an answer."""
SILENT_S = 1.0
"""For a ping beside a call that the backend lets wait: enough on a busy machine, and who waits never answers it."""
LEAST_S = 0.05
"""So long at least that call is let alone before the ping."""
AT_ONCE = 50
"""Connections that are opened, or asked whether they answer, before the first answer is waited for."""


class Outside:
    """Clients and backend."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.call_s: float = told["call_s"]
        self.held: list[socket.socket] = []
        self.waiting = self.at_once = self.asked = 0
        """Calls that wait at the backend, the most that ever did, and all."""
        self.called = self.right = 0
        """Calls that clients made, and those whose answer was the one to them."""
        self.numbers = count()
        self.speaks = threading.Event()
        """Else the backend has what it will answer, and does not say it."""
        self.speaks.set()
        self.lock = threading.Lock()

    def heard(self, what: str, *words: Any) -> Any:
        """One order."""
        match what, words:
            case "backend", ():
                listener = socket.create_server((HOST, 0), backlog=BACKLOG)
                threading.Thread(target=self.backend, args=(listener,), daemon=True).start()
                return listener.getsockname()[1]
            case "connect", (port, count):
                while count > 0:
                    self.held += self.connected(port, min(count, AT_ONCE))
                    count -= AT_ONCE
                return len(self.held)
            case "window", (length_s, every_s, before, calls):
                return self.window(length_s, every_s, before, calls)
            case "alone", (times, enough_s):
                took = [self.call(self.held[0])]
                while min(took) > enough_s and len(took) < times:
                    took.append(self.call(self.held[0]))
                return took
            case "silence", ():
                return self.silence()
            case "answers", ():
                return {"called": self.called, "right": self.right, "asked": self.asked}
            case "still", (hold_s,):
                time.sleep(hold_s)
                return sum(self.pinged(self.held[i : i + AT_ONCE]) for i in range(0, len(self.held), AT_ONCE))
        raise ValueError(
            f"The clients are asked for {what}; it answers backend, connect, window, alone, silence, answers and still."
        )

    # --- the backend ---------------------------------------------------------------------------------------------
    def backend(self, listener: socket.socket) -> None:
        """Answer for ever."""
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.answer, args=(sock,), daemon=True).start()

    def answer(self, sock: socket.socket) -> None:
        """One call."""
        with sock:
            data = sock.recv(len(PING))
            with self.lock:
                self.asked += 1
                self.waiting += 1
                self.at_once = max(self.at_once, self.waiting)
            time.sleep(self.call_s)  # what a service far away takes: no work of this machine
            self.speaks.wait(PATIENCE_S)
            with self.lock:
                self.waiting -= 1
            sock.sendall(data.replace(CALL, DONE))

    # --- the clients ---------------------------------------------------------------------------------------------
    def connected(self, port: int, count: int) -> list[socket.socket]:
        """So many connections, over each of which something was answered."""
        opened = [socket.create_connection((HOST, port), PATIENCE_S) for _ in range(count)]
        self.pinged(opened)
        return opened

    def pinged(self, socks: Sequence[socket.socket]) -> int:
        """How many of them are answered."""
        for sock in socks:
            sock.sendall(PING)
        return sum(sock.recv(len(PING)) == PING for sock in socks)

    def call(self, sock: socket.socket) -> float:
        """Ask for a call; the seconds until its answer."""
        begin, number = time.perf_counter(), b"%04d" % next(self.numbers)
        sock.sendall(CALL + number)
        answer = sock.recv(len(PING))
        if not answer:
            raise ConnectionError("The server hung up in the place of an answer to a call.")
        took_s = time.perf_counter() - begin
        with self.lock:
            self.called += 1
            self.right += answer == DONE + number
        return took_s

    def silence(self) -> bool:
        """Whether a ping is answered beside a call that takes longer than any before: until that ping is answered."""
        asked, pinging = self.asked, self.held[0]
        self.speaks.clear()
        calling = threading.Thread(target=self.call, args=(self.held[1],), daemon=True)
        calling.start()
        while self.asked == asked and calling.is_alive():
            time.sleep(0.001)
        time.sleep(max(LEAST_S, self.call_s))  # who counts on what a call takes waits for it from now on
        pinging.sendall(PING)
        pinging.settimeout(SILENT_S)
        try:
            answered = pinging.recv(len(PING)) == PING
        except TimeoutError:
            answered = False
        pinging.settimeout(PATIENCE_S)
        self.speaks.set()
        if not answered:
            pinging.recv(len(PING))
        calling.join()
        return answered

    def window(self, length_s: float, every_s: float, before: int, calls: int) -> dict[str, Any]:
        """Pings for so long, and after some of them so many calls; how long these take, from the first to the last."""
        self.at_once, begin, now = 0, 0.0, threading.Event()
        pinging, took, calling = self.held[0], list[float](), list[tuple[float, float]]()
        due = [i * every_s for i in range(round(length_s / every_s))]

        def answers() -> None:
            while len(took) < len(due) and (data := pinging.recv(4096)):
                answered = time.perf_counter() - begin
                for _ in range(len(data) // len(PING)):
                    took.append(answered - due[len(took)])

        def called(sock: socket.socket) -> None:
            now.wait()
            asked = time.perf_counter()
            calling.append((asked, asked + self.call(sock)))

        # Daemons: where a server hangs up, none of them keeps this process from saying so and ending.
        beside = [threading.Thread(target=answers, daemon=True)]
        beside += [threading.Thread(target=called, args=(sock,), daemon=True) for sock in self.held[1 : 1 + calls]]
        for thread in beside:
            thread.start()
        begin = time.perf_counter()
        for number, at in enumerate(due):
            if number == before:  # halfway between two pings
                time.sleep(max(0.0, at - every_s / 2 - (time.perf_counter() - begin)))
                now.set()
            time.sleep(max(0.0, at - (time.perf_counter() - begin)))
            pinging.sendall(PING)
        for thread in beside:
            thread.join()
        if len(took) < len(due):
            raise ConnectionError(
                f"The server hung up, or was silent for {PATIENCE_S:g} s, where it shall answer pings."
            )
        lasted = max((end for _, end in calling), default=0.0) - min((asked for asked, _ in calling), default=0.0)
        return {"pings": took, "calls_s": lasted, "at_once": self.at_once}


def begin(told: Mapping[str, Any]) -> Callable[..., Any]:
    """What does what it is told."""
    return Outside(told).heard
