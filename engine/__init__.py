"""Forelight's engine: predictions from files by PyTorch Lightning checkpoints. Knows nothing of Streamlit or HTTP."""

from engine.card import Column, ModelCard
from engine.engine import Engine, ModelFacts
from engine.errors import ForelightError
from engine.readers import Source
from engine.registry import ModelEntry
from engine.report import report_html
from engine.results import Filter, ResultColumn, Results
from engine.runs import Options, Run
from engine.settings import Settings
from engine.signature import ColumnUse, Problem, Report
from engine.standing import Neighbours, neighbours, shares_below
from engine.tasks import TASKS, task_of

__all__ = [
    "TASKS",
    "Column",
    "ColumnUse",
    "Engine",
    "Filter",
    "ForelightError",
    "ModelCard",
    "ModelEntry",
    "ModelFacts",
    "Neighbours",
    "Options",
    "Problem",
    "Report",
    "ResultColumn",
    "Results",
    "Run",
    "Settings",
    "Source",
    "neighbours",
    "report_html",
    "shares_below",
    "task_of",
]
