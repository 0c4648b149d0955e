"""The stand-in: a small process that answers 503 while no worker is there to answer.

BentoML's main process holds the listening socket, so callers of a worker that was killed would hang
until the next one has loaded its model. A worker that is ready hands the socket to the stand-in and
keeps the connection open; when it breaks, the stand-in answers until the next worker is ready.

Run as a script by the main process, with the standard library alone; it ends when that does.
"""

import array
import contextlib
import pathlib
import selectors
import signal
import socket
import sys
import time

CONTENT = b'{"error":"the service is starting or stopping","hint":"send it again in a few seconds"}'
RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 2\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT)
)
LINGER_SECONDS = 1.0  # for a client to read the answer before the connection is closed
MAX_CALLERS = 512


class StandIn:
    """Answers 503 on the service's socket whenever no worker is connected."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self.meet)
        self.workers: set[socket.socket] = set()
        self.callers: dict[socket.socket, float] = {}
        self.service: socket.socket | None = None
        self.is_standing_in = False

    def run(self, main_process: int) -> None:
        """Serve until the other end of `main_process`, a descriptor, is closed."""
        ended: list[bool] = []
        self.selector.register(main_process, selectors.EVENT_READ, lambda _: ended.append(True))
        while not ended:
            for key, _ in self.selector.select(LINGER_SECONDS if self.callers else None):
                key.data(key.fileobj)
            self.hang_up()
        if self.service is not None:
            self.answer_all(self.service)  # who waits still, before the socket is gone
            self.service.close()

    def meet(self, control: socket.socket) -> None:
        worker, _ = control.accept()
        numbers = array.array("i")
        _, found, _, _ = worker.recvmsg(1, socket.CMSG_LEN(numbers.itemsize))
        for level, kind, content in found:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers.frombytes(content)
        if not numbers:
            worker.close()
            return
        self.stand_in(False)
        if self.service is not None:
            self.service.close()
        self.service = socket.socket(fileno=numbers[0])
        self.service.setblocking(False)
        self.workers.add(worker)
        self.selector.register(worker, selectors.EVENT_READ, self.part)

    def part(self, worker: socket.socket) -> None:
        self.selector.unregister(worker)
        self.workers.discard(worker)
        worker.close()
        self.stand_in(not self.workers)

    def stand_in(self, is_needed: bool) -> None:
        if is_needed == self.is_standing_in or self.service is None:
            return
        self.is_standing_in = is_needed
        if is_needed:
            self.selector.register(self.service, selectors.EVENT_READ, self.answer_all)
        else:
            self.selector.unregister(self.service)

    def answer_all(self, service: socket.socket) -> None:
        with contextlib.suppress(OSError):  # until nobody waits
            while True:
                caller, _ = service.accept()
                caller.setblocking(False)
                with contextlib.suppress(OSError):
                    caller.sendall(RESPONSE)
                    caller.shutdown(socket.SHUT_WR)
                self.callers[caller] = time.monotonic() + LINGER_SECONDS
                self.selector.register(caller, selectors.EVENT_READ, self.listen)
                while len(self.callers) > MAX_CALLERS:
                    self.leave(next(iter(self.callers)))

    def listen(self, caller: socket.socket) -> None:
        """Read what a caller still sends: closed on unread bytes, it might not see its answer."""
        try:
            if caller.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.leave(caller)

    def hang_up(self) -> None:
        now = time.monotonic()
        for caller in [caller for caller, until in self.callers.items() if until <= now]:
            self.leave(caller)

    def leave(self, caller: socket.socket) -> None:
        if self.callers.pop(caller, None) is not None:
            self.selector.unregister(caller)
            caller.close()


if __name__ == "__main__":
    # Ctrl-C and a stop of the group reach it too; it goes when the main process has gone.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    path = pathlib.Path(control.getsockname())
    StandIn(control).run(sys.stdin.fileno())
    with contextlib.suppress(OSError):
        path.unlink()
        path.parent.rmdir()
