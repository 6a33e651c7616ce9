"""Forelight's engine: predictions from files by PyTorch Lightning checkpoints. Knows nothing of Streamlit or HTTP."""

from engine.card import ModelCard
from engine.engine import Engine
from engine.errors import ForelightError
from engine.facts import ModelFacts, Repeat, Storage, WorkerState, repeat
from engine.readers import Source
from engine.registry import ModelEntry
from engine.results import Filter, ResultColumn, Results
from engine.runs import Options, Place, Run, Search
from engine.settings import Settings
from engine.signature import ColumnUse, Problem, Report
from engine.tasks import TASKS, task_of
from engine.uploads import Upload

__all__ = [
    "TASKS",
    "ColumnUse",
    "Engine",
    "Filter",
    "ForelightError",
    "ModelCard",
    "ModelEntry",
    "ModelFacts",
    "Options",
    "Place",
    "Problem",
    "Repeat",
    "Report",
    "ResultColumn",
    "Results",
    "Run",
    "Search",
    "Settings",
    "Source",
    "Storage",
    "Upload",
    "WorkerState",
    "repeat",
    "task_of",
]
