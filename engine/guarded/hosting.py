"""The host's part: all runs, the queue, workers, figures, and the trail of what was done. Nobody else gets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry

from engine.access import AuditEntry, AuditSearch
from engine.cards.versions import Version
from engine.engine import Engine
from engine.errors import ForelightError, LoginNeeded, NotAllowed
from engine.facts import WorkerState
from engine.guarded.guard import Guard
from engine.runs.queue import Standing
from engine.runs.run import Run
from engine.runs.store import Search
from engine.settings import SettingInForce
from engine.uploads import Receiving, check_size


class Hosting(Guard):
    """Each call raises LoginNeeded or NotAllowed for those who are no hosts."""

    def operate(self) -> Engine:
        """The whole engine: all runs, workers, storage."""
        if self.caller.role == "nobody":
            raise LoginNeeded
        if not self.caller.operates:
            raise NotAllowed("Only hosts may do that.")
        return self._engine

    def set_default(self, model_id: str, version: str, *, load: bool = True) -> str:
        """See Engine.set_default. What does not load becomes nobody's default, unless it is not to be tried."""
        engine = self.operate()
        if load:
            engine.facts(model_id, version)
        before = engine.set_default(model_id, version)
        self._audit.note(self.caller, "set the default", model_id=model_id, detail=f"{before} → {version}")
        return before

    def begin_checkpoint(self, model_id: str, name: str, size: int | None = None) -> Receiving:
        """A checkpoint for that model begins to come; UploadRefused where it has more bytes than it may."""
        engine = self._takes_checkpoints()
        engine.model(model_id)
        return engine.uploads.begin(self._visitor(), name, size, self.settings.max_checkpoint_bytes)

    def add_checkpoint(self, model_id: str, upload_id: str, note: str = "") -> Version:
        """The version that this upload is from now on; see NewCheckpoints. Whatever comes of it, the upload is gone."""
        engine, visitor = self._takes_checkpoints(), self._visitor()
        upload = engine.uploads.get(visitor, upload_id)
        digest = f"SHA-256 {upload.sha256[:12]}…"
        try:
            check_size(upload.size, self.settings.max_checkpoint_bytes)
            version = engine.add_checkpoint(model_id, upload, note)
        except ForelightError as exc:
            said = f"{type(exc).__name__}, {digest}"
            self._audit.note(self.caller, "refused a checkpoint", model_id=model_id, detail=said)
            raise
        finally:
            engine.uploads.delete(visitor, upload_id)
        self._audit.note(self.caller, "added a version", model_id=model_id, detail=f"{version.name}, {digest}")
        return version

    def _takes_checkpoints(self) -> Engine:
        engine = self.operate()
        if not self.settings.checkpoint_uploads:
            raise NotAllowed("This server takes no checkpoints, unless FORELIGHT_CHECKPOINT_UPLOADS=1 switches it on.")
        return engine

    def workers(self) -> tuple[WorkerState, ...]:
        """See Engine.workers."""
        return self.operate().workers()

    def standing(self) -> Standing:
        """See Engine.standing."""
        return self.operate().standing()

    def metrics(self) -> CollectorRegistry:
        """See Engine.metrics."""
        return self.operate().metrics()

    def all_runs(self, search: Search | None = None, *, limit: int | None = None, offset: int = 0) -> tuple[Run, ...]:
        """Everybody's runs, the newest first; see Engine.runs."""
        return self.operate().runs(search, limit=limit, offset=offset)

    def count_all_runs(self, search: Search | None = None) -> int:
        """How many of everybody's runs `search` wants."""
        return self.operate().count_runs(search)

    def settings_in_force(self) -> tuple[SettingInForce, ...]:
        """Every setting, secrets masked."""
        return self.operate().settings.in_force()

    def people(self) -> Mapping[str, str]:
        """Who visitors are: the names they logged in with, as the trail has them."""
        self.operate()
        return self._audit.people()

    def audit(self, wanted: AuditSearch | None = None, *, limit: int = 100, offset: int = 0) -> tuple[AuditEntry, ...]:
        """The trail, the newest first."""
        self.operate()
        return self._audit.entries(wanted, limit=limit, offset=offset)

    def download_audit(self, wanted: AuditSearch | None = None) -> Iterator[tuple[AuditEntry, ...]]:
        """All of the trail that is wanted, the newest first, some thousand entries at a time; that is noted too."""
        self.operate()
        self._audit.note(self.caller, "downloaded", detail="the trail")
        return self._audit.pages(wanted)

    def count_audit(self, wanted: AuditSearch | None = None) -> int:
        """How many entries of the trail are wanted."""
        self.operate()
        return self._audit.count(wanted)

    def audit_actions(self) -> tuple[str, ...]:
        """What the trail holds, by what was done."""
        self.operate()
        return self._audit.actions()
