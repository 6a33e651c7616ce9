"""Forelight's engine: predictions from files by PyTorch Lightning checkpoints. Knows nothing of Streamlit or HTTP."""

from engine.card import ModelCard
from engine.comparison import ClassComparison, ValueComparison, compare
from engine.engine import Engine, ModelFacts
from engine.errors import ForelightError
from engine.evaluation import (
    ClassEvaluation,
    ClassFigures,
    Curve,
    Point,
    Used,
    ValueEvaluation,
    ValueFigures,
    evaluation_of,
)
from engine.readers import Source
from engine.registry import ModelEntry
from engine.results import Filter, ResultColumn, Results
from engine.runs import Options, Run
from engine.settings import Settings
from engine.signature import ColumnUse, Problem, Report
from engine.tasks import TASKS, task_of

__all__ = [
    "TASKS",
    "ClassComparison",
    "ClassEvaluation",
    "ClassFigures",
    "ColumnUse",
    "Curve",
    "Engine",
    "Filter",
    "ForelightError",
    "ModelCard",
    "ModelEntry",
    "ModelFacts",
    "Options",
    "Point",
    "Problem",
    "Report",
    "ResultColumn",
    "Results",
    "Run",
    "Settings",
    "Source",
    "Used",
    "ValueComparison",
    "ValueEvaluation",
    "ValueFigures",
    "compare",
    "evaluation_of",
    "task_of",
]
