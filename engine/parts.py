"""What an engine is put together from once it is more than a list of models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from engine.access import AuditTrail, Shares, Tokens
from engine.backends import Backend, WorkerPool, open_backend
from engine.errors import RunNotFound
from engine.lifecycle.dispatch import Dispatcher
from engine.lifecycle.intake import Intake
from engine.lifecycle.keeper import Keeper
from engine.models.registry import ModelRegistry
from engine.results.lines import Asking
from engine.runs.book import UNFINISHED, RunBook
from engine.runs.database import database_url
from engine.runs.storage import open_storage
from engine.runs.store import RunStore
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The index of runs, and everything that stands on it."""

    store: RunStore
    book: RunBook
    backend: Backend
    keeper: Keeper
    dispatcher: Dispatcher
    intake: Intake
    tokens: Tokens
    shares: Shares
    audit: AuditTrail
    ask: Asking

    def sweep(self, keep_audit_days: float) -> None:
        """Forgets tokens, shares and notes that are too old, and processes that are long gone."""
        self.store.forget_owners()
        self.book.clear_remains()
        self.book.storage.sweep(self.book.runs, self.store.ids())
        self.tokens.sweep()
        self.shares.sweep()
        self.audit.sweep(keep_audit_days)

    def remove_ended(self, run_id: str) -> bool:
        """Deletes the run, and says so; not where it goes on meanwhile, or another server has deleted it."""
        try:
            wanted = self.store.get(run_id).state not in UNFINISHED
        except RunNotFound:
            return False
        if wanted:
            self.remove(run_id)
        return wanted

    def remove(self, run_id: str) -> None:
        """Deletes the run, its files, and the ways to it."""
        self.book.remove(run_id)
        self.shares.revoke(run_id)


def open_parts(settings: Settings, registry: ModelRegistry, pool: WorkerPool, owner: str) -> Parts:
    """Opens the store, or raises StoreError."""
    store = RunStore(database_url(settings.database_url, settings.home))
    book = RunBook(store, settings.runs_folder, open_storage(settings.storage))
    backend = open_backend(settings.backend, settings, store, pool, owner)
    keeper = Keeper(book, owner, backend.tick)
    dispatcher = Dispatcher(settings, registry, book, backend, keeper, owner)
    ask = partial(pool.ask, settings)
    access = Tokens(store), Shares(store), AuditTrail(store)
    return Parts(store, book, backend, keeper, dispatcher, Intake(settings, book, pool, backend), *access, ask)
