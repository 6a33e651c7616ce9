"""Results as files: made once in the run's folder, or sent while they are first written."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import ExportError, RunStateError
from engine.results.files import FORMATS, GROWING, export_bytes, export_path, export_results, formats_of, stream_export
from engine.results.filters import Filters
from engine.results.picture_files import PICTURE_FORMATS
from engine.results.results import Results
from engine.runs.run import Run


class Downloads(ABC):
    """What an engine gives to take away; it needs a run and its results for that."""

    @abstractmethod
    def run(self, run_id: str) -> Run: ...

    @abstractmethod
    def results(self, run_id: str) -> Results: ...

    def export(self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()) -> Path:
        """The lines and columns chosen as a file of the run's folder, made once: csv, jsonl, parquet or xlsx.

        Of pictures also: zip for masks as PNG files, json for boxes in COCO's form.
        """
        results = self._ended_results(run_id)
        path = export_path(results, suffix, where, columns)
        fresh = path.is_file() and suffix in formats_of(results)
        return path if fresh else export_results(results, path, where, columns)

    def download(
        self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()
    ) -> Path | Iterator[bytes]:
        """The file of `export`, or its bytes while it is first written, where its format can be sent so."""
        results = self._ended_results(run_id)
        path = export_path(results, suffix, where, columns)
        if suffix in GROWING and not path.is_file():
            return stream_export(results, path, where, columns)
        return self.export(run_id, suffix, where, columns)

    def download_bytes(
        self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()
    ) -> tuple[int, bool]:
        """(bytes of that file, whether they are counted and not estimated); 0 where unknown."""
        return export_bytes(self.results(run_id), suffix, where, columns)

    def _ended_results(self, run_id: str) -> Results:
        run = self.run(run_id)
        if not run.ended:
            raise RunStateError(f"Run {run_id} is {run.state}; its results can be downloaded when it has ended.")
        return self.results(run_id)

    def export_to(self, run_id: str, path: Path) -> Path:
        """The same bytes as `export`, in a file of the caller's; its suffix says the format."""
        return export_results(self.results(run_id), path)

    def download_name(self, run_id: str, suffix: str) -> str:
        """What the downloaded file is called: model and first file in it, and whether rows are missing."""
        formats = (*FORMATS, *PICTURE_FORMATS)
        if suffix not in formats:
            raise ExportError(f"No such format: '{suffix}'. Formats: {', '.join(formats)}.")
        run = self.run(run_id)
        stem = re.sub(r"[^\w-]+", "-", Path(run.sources[0]).stem).strip("-")[:60] if run.sources else ""
        return f"{run.model_id}_{stem or 'predictions'}{'_partial' if run.partial else ''}.{suffix}"
