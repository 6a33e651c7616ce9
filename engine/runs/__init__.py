"""Runs: what was asked, how far it is, where its files lie, and the index of them all."""

from engine.runs.folder import RunFolder
from engine.runs.run import Options, Place, Run, State
from engine.runs.store import Search

__all__ = ["Options", "Place", "Run", "RunFolder", "Search", "State"]
