"""The engine as one caller may use it: every call asks first whether it may be, and notes what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from engine.cards.card import Sample
from engine.cards.signature import Report
from engine.errors import RunNotFound
from engine.facts import ModelFacts, Storage
from engine.guarded.hosting import Hosting
from engine.guarded.permits import Permits
from engine.ingest.table import Progress
from engine.kinds.left_out import Part
from engine.models.registry import ModelEntry
from engine.readers import Source
from engine.report import report_html
from engine.results.filters import Filters
from engine.results.results import Results
from engine.runs.run import Options, Run
from engine.runs.store import Search
from engine.uploads import Receiving, Upload
from engine.uploads.lake import LakeEntry


class GuardedEngine(Permits, Hosting):
    """What pages and routes use. A run that the caller may not see is RunNotFound, as one that is not there.

    Its methods are the engine's, and raise LoginNeeded and NotAllowed beside what those raise.
    """

    def models(self) -> tuple[ModelEntry, ...]:
        """See Engine.models."""
        return self._may("models").models()

    def model(self, model_id: str, version: str = "") -> ModelEntry:
        """See Engine.model."""
        return self._may("models").model(model_id, version)

    def check_model(self, model_id: str, version: str = "") -> None:
        """UnknownModel, or CardError, where files for that model would come for nothing."""
        self._may("run").model(model_id, version).usable_card()

    def template(self, model_id: str) -> tuple[str, bytes]:
        """See Engine.template."""
        return self._may("models").template(model_id)

    def samples(self, model_id: str) -> tuple[Sample, ...]:
        """See Engine.samples."""
        return self._may("models").samples(model_id)

    def sample_sources(self, model_id: str, title: str) -> tuple[Source, ...]:
        """See Engine.sample_sources."""
        return self._may("models").sample_sources(model_id, title)

    def facts(self, model_id: str, version: str = "") -> ModelFacts:
        """See Engine.facts."""
        return self._may("models").facts(model_id, version)

    def check_room(self, size: int) -> None:
        """UploadRefused where a file of so many bytes may not come now."""
        self._may("run").uploads.check(self._visitor(), size)

    def begin_upload(self, name: str, size: int | None = None) -> Receiving:
        """See Uploads.begin."""
        coming = self._may("run").uploads.begin(self._visitor(), name, size)
        self._audit.did_often(self.caller, "uploaded")
        return coming

    def lake_names(self) -> tuple[str, ...]:
        """The folders that the host offers to take files from."""
        return self._may("run").lake.names

    def lake_entries(self, folder: str, path: str = "") -> tuple[LakeEntry, ...]:
        """See Lake.entries."""
        return self._may("run").lake.entries(folder, path)

    def take_from_lake(self, folder: str, path: str) -> Upload:
        """The file there as an upload of the caller's, within the limits of those."""
        size, pieces = self._may("run").lake.open(folder, path)
        with self.begin_upload(path.rpartition("/")[2], size) as receiving:
            for piece in pieces:
                receiving.write(piece)
            found = receiving.finish()
        self._audit.note(self.caller, "took from the lake", detail=folder)
        return found

    def upload(self, upload_id: str) -> Upload:
        """The caller's own upload of that id, or UploadNotFound."""
        return self._may("run").uploads.get(self._visitor(), upload_id)

    def delete_upload(self, upload_id: str) -> None:
        """Deletes an upload of the caller's own."""
        self._may("run").uploads.delete(self._visitor(), upload_id)

    def check(
        self,
        model_id: str,
        sources: Sequence[Source],
        *,
        version: str = "",
        renames: Mapping[str, str] | None = None,
        keep_files: bool = False,
        progress: Progress = lambda stage, done, total: None,
        ahead: Options | None = None,
    ) -> Run:
        """See Engine.check."""
        engine, visitor = self._may("run"), self._visitor()
        asked: dict[str, Any] = {"renames": renames, "keep_files": keep_files, "progress": progress, "ahead": ahead}
        run = engine.check(model_id, sources, version=version, visitor=visitor, **asked)
        self._note("checked", run.id)
        return run

    def answered(self, run_id: str, options: Options | None = None) -> Run | None:
        """See Engine.answered."""
        return self._mine(run_id, "run").answered(run_id, options)

    def predict_now(
        self, model_id: str, sources: Sequence[Source], *, version: str = ""
    ) -> tuple[Report, pl.DataFrame]:
        """See Engine.predict_now."""
        found = self._may("run").predict_now(model_id, sources, version=version)
        self._audit.did_often(self.caller, "predicted at once", model_id=model_id)
        return found

    def predict_without(self, run_id: str, row: int) -> tuple[tuple[Part, ...], pl.DataFrame]:
        """See Engine.predict_without."""
        self._may("run")
        found = self._seen(run_id).predict_without(run_id, row)
        self._audit.did_often(self.caller, "predicted at once", run_id)
        return found

    def submit(self, run_id: str, options: Options | None = None) -> Run:
        """See Engine.submit."""
        run = self._mine(run_id, "run").submit(run_id, options)
        self._note("ran", run.id)
        return run

    def resume(self, run_id: str) -> Run:
        """See Engine.resume."""
        run = self._mine(run_id, "run").resume(run_id)
        self._note("resumed", run.id)
        return run

    def again(self, run_id: str, model_id: str = "", *, version: str = "") -> Run:
        """See Engine.again; only whose files they are may have them read again."""
        run = self._mine(run_id, "run").again(run_id, model_id, version=version, visitor=self._visitor())
        self._note("checked", run.id)
        return run

    def by_version(self, run_id: str, version: str) -> Run:
        """See Engine.by_version; only whose files they are may have them read again."""
        run = self._mine(run_id, "run").by_version(run_id, version, visitor=self._visitor())
        self._note("ran", run.id)
        return run

    def cancel(self, run_id: str) -> None:
        """See Engine.cancel."""
        self._mine(run_id, "run").cancel(run_id)
        self._note("cancelled", run_id)

    def describe(self, run_id: str, *, name: str | None = None, note: str | None = None) -> Run:
        """See Engine.describe."""
        run = self._mine(run_id, "run").describe(run_id, name=name, note=note)
        self._note("described", run.id)
        return run

    def delete(self, run_id: str) -> None:
        """See Engine.delete."""
        engine = self._mine(run_id, "run")
        self._note("deleted", run_id)
        engine.delete(run_id)

    def wait(self, run_id: str, timeout: float | None = None) -> Run:
        """See Engine.wait."""
        return self._seen(run_id).wait(run_id, timeout)

    def follow(self, run_id: str) -> Iterator[Run]:
        """See Engine.follow; ends with RunNotFound as soon as the run is no longer shared."""
        for run in self._seen(run_id).follow(run_id):
            self._seen(run_id)
            yield run

    def run(self, run_id: str) -> Run:
        """See Engine.run."""
        return self._seen(run_id).run(run_id)

    def runs(self, search: Search | None = None, *, limit: int | None = None, offset: int = 0) -> tuple[Run, ...]:
        """The caller's own runs, the newest first; see Engine.runs."""
        engine, own = self._may("read"), self._own(search)
        return engine.runs(own, limit=limit, offset=offset) if own.visitor else ()

    def count_runs(self, search: Search | None = None) -> int:
        """How many of the caller's own runs `search` wants."""
        engine, own = self._may("read"), self._own(search)
        return engine.count_runs(own) if own.visitor else 0

    def shared_runs(self) -> tuple[Run, ...]:
        """The runs of others that all who may log in can see, the latest shared first."""
        engine = self._may("read")
        found = []
        for run_id in self._shares.open_to_all():
            try:
                run = engine.run(run_id)
            except RunNotFound:
                continue
            if run.visitor != self.caller.visitor:
                found.append(run)
        return tuple(found)

    def preview(self, run_id: str, rows: int = 20) -> pl.DataFrame:
        """See Engine.preview."""
        return self._seen(run_id).preview(run_id, rows)

    def results(self, run_id: str) -> Results:
        """See Engine.results."""
        return self._seen(run_id).results(run_id)

    def download(
        self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()
    ) -> Path | Iterator[bytes]:
        """See Engine.download."""
        found = self._seen(run_id).download(run_id, suffix, where, columns)
        self._note("downloaded", run_id, f"{suffix}, filtered" if where or columns else suffix)
        return found

    def export(self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()) -> Path:
        """See Engine.export."""
        found = self._seen(run_id).export(run_id, suffix, where, columns)
        self._note("downloaded", run_id, f"{suffix}, filtered" if where or columns else suffix)
        return found

    def download_bytes(
        self, run_id: str, suffix: str, where: Filters = (), columns: Sequence[str] = ()
    ) -> tuple[int, bool]:
        """See Engine.download_bytes."""
        return self._seen(run_id).download_bytes(run_id, suffix, where, columns)

    def download_name(self, run_id: str, suffix: str) -> str:
        """See Engine.download_name."""
        return self._seen(run_id).download_name(run_id, suffix)

    def report(self, run_id: str) -> str:
        """The run as one HTML file."""
        html = report_html(self._seen(run_id).results(run_id))
        self.took_report(run_id)
        return html

    def took_report(self, run_id: str) -> None:
        """Notes that the run's report is saved as a file."""
        self._note("downloaded", run_id, "report")

    def took_numbers(self, run_id: str) -> None:
        """Notes that the numbers of a chart are saved as a file; RunNotFound where the run is not shared any more."""
        self._seen(run_id)
        self._note("downloaded", run_id, "a chart's numbers")

    def storage(self) -> Storage:
        """See Engine.storage."""
        return self._may("read").storage()
