"""Forelight's engine: predictions from files by PyTorch Lightning checkpoints. Knows nothing of Streamlit or HTTP."""

from engine.access import AuditEntry, AuditSearch, Caller, Role, Scope, Share, Token
from engine.card import Column, Figure, ModelCard
from engine.comparison import ClassComparison, LabelSetComparison, ValueComparison, compare
from engine.engine import Engine
from engine.errors import ForelightError
from engine.evaluation import (
    Alike,
    BoxEvaluation,
    BoxFigures,
    BoxRows,
    ClassEvaluation,
    ClassFigures,
    Curve,
    EmbeddingEvaluation,
    EmbeddingFigures,
    ForecastEvaluation,
    ForecastFigures,
    LabelSetEvaluation,
    LabelSetFigures,
    MaskEvaluation,
    MaskFigures,
    MaskRows,
    Point,
    Projection,
    Used,
    ValueEvaluation,
    ValueFigures,
    alike,
    evaluation_of,
    prepare,
    projection,
)
from engine.export import MOST_EXCEL_ROWS, csv_text
from engine.facts import ModelFacts, Repeat, Storage, WorkerState, repeat
from engine.filters import Filter, FilterOp, FilterValue
from engine.found_boxes import box_counts, box_scores
from engine.frame import frame_of
from engine.guarded import GuardedEngine
from engine.incidents import report_incident
from engine.label_sets import label_counts, labels_together, nearest_calls
from engine.lake import LakeEntry
from engine.lines import ResultColumn
from engine.logs import set_up_logs
from engine.picture_files import PICTURE_FORMATS
from engine.predicted import Boxes, LabelSets, Masks
from engine.readers import Source
from engine.registry import ModelEntry
from engine.report import report_html
from engine.results import Results
from engine.runs import Options, Place, Run, Search
from engine.runs.queue import Standing
from engine.settings import SettingInForce, Settings, why_unsafe
from engine.signature import ColumnUse, Problem, Report
from engine.standing import Neighbours, neighbours, shares_below
from engine.tasks import TASKS, task_of
from engine.uploads import Receiving, Upload
from engine.versions import FIRST, Version

__all__ = [
    "FIRST",
    "MOST_EXCEL_ROWS",
    "PICTURE_FORMATS",
    "TASKS",
    "Alike",
    "AuditEntry",
    "AuditSearch",
    "BoxEvaluation",
    "BoxFigures",
    "BoxRows",
    "Boxes",
    "Caller",
    "ClassComparison",
    "ClassEvaluation",
    "ClassFigures",
    "Column",
    "ColumnUse",
    "Curve",
    "EmbeddingEvaluation",
    "EmbeddingFigures",
    "Engine",
    "Figure",
    "Filter",
    "FilterOp",
    "FilterValue",
    "ForecastEvaluation",
    "ForecastFigures",
    "ForelightError",
    "GuardedEngine",
    "LabelSetComparison",
    "LabelSetEvaluation",
    "LabelSetFigures",
    "LabelSets",
    "LakeEntry",
    "MaskEvaluation",
    "MaskFigures",
    "MaskRows",
    "Masks",
    "ModelCard",
    "ModelEntry",
    "ModelFacts",
    "Neighbours",
    "Options",
    "Place",
    "Point",
    "Problem",
    "Projection",
    "Receiving",
    "Repeat",
    "Report",
    "ResultColumn",
    "Results",
    "Role",
    "Run",
    "Scope",
    "Search",
    "SettingInForce",
    "Settings",
    "Share",
    "Source",
    "Standing",
    "Storage",
    "Token",
    "Upload",
    "Used",
    "ValueComparison",
    "ValueEvaluation",
    "ValueFigures",
    "Version",
    "WorkerState",
    "alike",
    "box_counts",
    "box_scores",
    "compare",
    "csv_text",
    "evaluation_of",
    "frame_of",
    "label_counts",
    "labels_together",
    "nearest_calls",
    "neighbours",
    "prepare",
    "projection",
    "repeat",
    "report_html",
    "report_incident",
    "set_up_logs",
    "shares_below",
    "task_of",
    "why_unsafe",
]
