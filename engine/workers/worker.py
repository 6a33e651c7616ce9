"""The process that touches a visitor's bytes and the models: `python -m engine.workers.worker FD NAME`.

It ends with its server, whose jobs come over one pipe and are done one after the other. What goes back is JSON and
bytes, never a pickle: should a hostile file take this process over, it can only lie, not run anything in the server.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from engine.observability.logs import set_up_logs
from engine.settings import Settings
from engine.workers.answering import answer
from engine.workers.messages import Job, Said, Stop, encode
from engine.workers.work import Desk

_OUT_OF_MEMORY_SCORE = "500"
_NICE = 5  # pages and downloads come before predictions
log = logging.getLogger("forelight.worker")


class Talk:
    """What a job says on its way, and hears."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number, self._stop = connection, number, threading.Event()

    def say(self, **content: object) -> None:
        """Tells the server how far the job is."""
        self._connection.send_bytes(encode(Said(self._number, content)))

    def hear(self, stop: Stop) -> None:
        if stop.number == self._number:
            self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether the job should come to its end."""
        return self._stop.is_set()


class Worker:
    """Does jobs until the server is gone."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._desk = connection, Desk()
        self._jobs: queue.SimpleQueue[tuple[Job, Talk]] = queue.SimpleQueue()
        self._talk: Talk | None = None

    def run(self) -> None:
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while True:
            job, talk = self._jobs.get()
            self._connection.send_bytes(encode(answer(self._desk, job, talk)))

    def _listen(self) -> None:
        """Takes what the server says while a job is done; without a server nothing is worth doing."""
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, Stop):
                    if self._talk is not None:
                        self._talk.hear(message)
                else:
                    self._talk = Talk(self._connection, message.number)
                    self._jobs.put((message, self._talk))
        except (EOFError, OSError):
            os._exit(0)


def _be_ended_first() -> None:
    """Where the machine's memory ends, the system ends a worker, which is replaced, and not the server."""
    try:
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE)
    except OSError:
        log.debug("this system knows no order in which processes are ended")


def main(file: int, name: str) -> None:
    set_up_logs(Settings(), name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then lets this process end
    if hasattr(os, "nice"):
        os.nice(_NICE)
    _be_ended_first()
    Worker(Connection(file)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
