"""The process that forks the tests' workers outlives those that ask it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.forking import Forked, begin_forked, place


def begun() -> tuple[Forked, int]:
    ours, theirs = socket.socketpair()
    found = begin_forked("tried", theirs.fileno(), {**os.environ, "PYTHONPATH": str(Path.cwd())})
    theirs.close()
    return found, ours.detach()


def test_who_is_killed_before_the_question_stops_nobody_else() -> None:
    first, pipe = begun()
    with socket.socket(socket.AF_UNIX) as gone:
        gone.connect(place())
    with socket.socket(socket.AF_UNIX) as gone:
        gone.connect(place())
        gone.sendall(b"half a question")
    second, other = begun()
    for each in (pipe, other):
        os.close(each)
    assert [first.wait(30), second.wait(30)] == [0, 0]
