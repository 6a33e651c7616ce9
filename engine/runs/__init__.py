"""Runs: what was asked, how far it is, and where its files lie."""

from engine.runs.folder import RunFolder
from engine.runs.run import Options, Run, State

__all__ = ["Options", "Run", "RunFolder", "State"]
