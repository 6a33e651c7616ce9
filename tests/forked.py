"""A program with workers that are forked where torch is loaded already: `python -m tests.forked MODULE …`."""

from __future__ import annotations

import runpy
import sys

from tests.forking import fork_workers

if __name__ == "__main__":
    fork_workers()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
