"""`ExportCard`: a training leaves a folder that the dashboard serves."""

from engine.export.callback import ExportCard

__all__ = ["ExportCard"]
