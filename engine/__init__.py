"""Forelight's engine: predictions from files by PyTorch Lightning checkpoints. Knows nothing of Streamlit or HTTP."""

from engine.access import AuditEntry, AuditSearch, Caller, Role, Scope, Share, Token
from engine.cards.card import Column, Figure, ModelCard
from engine.cards.signature import ColumnUse, Problem, Report
from engine.cards.versions import FIRST, Version
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
from engine.evaluation.comparison import ClassComparison, LabelSetComparison, ValueComparison, compare
from engine.facts import ModelFacts, Repeat, Storage, WorkerState, repeat
from engine.guarded.engine import GuardedEngine
from engine.kinds.frame import frame_of
from engine.kinds.left_out import Part, Passage, Patch
from engine.kinds.predicted import Boxes, LabelSets, Masks
from engine.models.registry import ModelEntry
from engine.observability.incidents import report_incident
from engine.observability.logs import set_up_logs
from engine.readers import Source, takes
from engine.report import report_html
from engine.results.files import MOST_EXCEL_ROWS, csv_text
from engine.results.filters import Filter, FilterOp, FilterValue
from engine.results.found_boxes import box_counts, box_scores
from engine.results.influence import Swap, heat, influences, swaps
from engine.results.label_sets import label_counts, labels_together, nearest_calls
from engine.results.lines import ResultColumn
from engine.results.picture_files import PICTURE_FORMATS
from engine.results.results import Results
from engine.results.standing import Neighbours, neighbours, shares_below
from engine.runs import Options, Place, Run, Search
from engine.runs.queue import Standing
from engine.settings import SettingInForce, Settings, why_unsafe
from engine.tasks import TASKS, task_of
from engine.uploads import Receiving, Upload
from engine.uploads.lake import LakeEntry

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
    "Part",
    "Passage",
    "Patch",
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
    "Swap",
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
    "heat",
    "influences",
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
    "swaps",
    "takes",
    "task_of",
    "why_unsafe",
]
