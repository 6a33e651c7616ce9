"""What a caller may do is decided here, and noted."""

from __future__ import annotations

from dataclasses import replace

from engine.access import Caller, Scope
from engine.engine import Engine
from engine.errors import LoginNeeded, NotAllowed, RunNotFound
from engine.runs.run import Run
from engine.runs.store import Search


class Guard:
    """One caller before one engine.

    A caller sees their own runs, runs shared with them, and all as a host; without a login, whoever has a run's id
    sees it. A caller changes their own runs, and all as a host.
    """

    def __init__(self, engine: Engine, caller: Caller) -> None:
        self._engine, self.caller, self.settings = engine, caller, engine.settings
        self._tokens, self._shares, self._audit = engine.access()

    def is_mine(self, run: Run) -> bool:
        """Whether the caller made that run, and may change it. Hosts may too, without its being theirs."""
        return "run" in self.caller.scopes and bool(run.visitor) and run.visitor == self.caller.visitor

    def _may(self, scope: Scope) -> Engine:
        """The engine, where the caller's token is good for such a call."""
        if self.caller.role == "nobody":
            raise LoginNeeded
        if scope not in self.caller.scopes:
            raise NotAllowed(f"This token may not do that; it takes one with the scope '{scope}'.")
        return self._engine

    def _seen(self, run_id: str) -> Engine:
        """The engine, where the caller may see that run; RunNotFound where not, as where there is none."""
        engine = self._may("read")
        owner, model_id = engine.owner_of(run_id)
        if self.settings.login and not self._owns(owner) and not self._shares.opens(run_id, self.caller.keys):
            raise RunNotFound(run_id)
        self._audit.did_often(self.caller, "saw", run_id, model_id, self._as_whom(owner))
        return engine

    def _mine(self, run_id: str, scope: Scope) -> Engine:
        """The engine, where the caller may change that run; NotAllowed where it may only be seen."""
        engine = self._may(scope)
        owner, _ = engine.owner_of(run_id)
        if self._owns(owner):
            return engine
        if "read" not in self.caller.scopes:
            raise RunNotFound(run_id)
        self._seen(run_id)
        raise NotAllowed("Only who made the run may do that.")

    def _owns(self, owner: str) -> bool:
        return self.caller.operates or (bool(owner) and owner == self.caller.visitor)

    def _visitor(self) -> str:
        """Whose the caller's files and runs are; LoginNeeded where nobody's."""
        if not self.caller.visitor:
            raise LoginNeeded
        return self.caller.visitor

    def _own(self, search: Search | None) -> Search:
        return replace(search or Search(), visitor=self.caller.visitor)

    def _note(self, action: str, run_id: str, detail: str = "") -> None:
        owner, model_id = self._engine.owner_of(run_id)
        said = ", ".join(filter(None, (detail, self._as_whom(owner))))
        self._audit.note(self.caller, action, run_id, model_id, said)

    def _as_whom(self, owner: str) -> str:
        """What the trail adds where a host uses the host's right to what is another's."""
        return "as host" if self.caller.operates and owner != self.caller.visitor else ""
