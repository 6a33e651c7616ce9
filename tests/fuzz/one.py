"""One guard under atheris, in a process of its own: `python -m tests.fuzz.one NAME RUNS SEEDS FOUND [SEED]`."""

from __future__ import annotations

import logging
import sys
import warnings

import atheris

_INSTRUMENTED = ["engine.readers", "engine.checkpoints.pickled", "engine.checkpoints.harmless", "dashboard.words"]
_MOST_SECONDS, _MOST_MIB, _MOST_BYTES = 10, 1_000, 4_096


def main(name: str, runs: str, seeds: str, found: str, seed: str = "1") -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        from tests.fuzz.guards import GUARDS

        GUARDS[name].check(b"")  # imports what it needs
    options = {"runs": runs, "seed": seed, "timeout": _MOST_SECONDS, "rss_limit_mb": _MOST_MIB, "max_len": _MOST_BYTES}
    options |= {"artifact_prefix": f"{found}/", "print_final_stats": 1, "verbosity": 0}
    arguments = [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), seeds]
    atheris.Setup(arguments, GUARDS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
