"""What other packages add: tasks, readers and backends, by their entry points. A broken one hides nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, TypeVar

from engine.errors import PluginError

Value = TypeVar("Value")
log = logging.getLogger("forelight.plugins")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: its `name` among those of `group`, and the package that brings it."""

    group: str
    name: str
    package: str
    entry: EntryPoint

    def load(self) -> Any:
        """What it stands for; PluginError where that cannot be imported."""
        try:
            return self.entry.load()
        except Exception as exc:  # importing runs the package's own code
            raise self.refused(f"cannot be loaded ({type(exc).__name__}: {exc}). Mend or remove the package.") from exc

    def refused(self, why: str) -> PluginError:
        """The error about it."""
        return PluginError(f"The package '{self.package}' offers '{self.name}' as one of {self.group}, which {why}")


def entries(group: str) -> Mapping[str, Plugin]:
    """The entry points of that group that the installed packages have, by name; of two of a name none.

    Nothing is imported. Those of a name that two packages use are left to `Registry.faults`.
    """
    found = _found(group)
    return MappingProxyType({name: plugins[0] for name, plugins in found.items() if len(plugins) == 1})


@cache
def _found(group: str) -> Mapping[str, tuple[Plugin, ...]]:
    found: dict[str, list[Plugin]] = {}
    for entry in entry_points(group=group):
        plugin = Plugin(group, entry.name, entry.dist.name if entry.dist else "", entry)
        found.setdefault(entry.name, []).append(plugin)
    return {name: tuple(found[name]) for name in sorted(found)}


class Registry(Mapping[str, Value]):
    """Forelight's own entries, then those of other packages; read-only.

    Other packages are imported when something is asked for that is not Forelight's own. `accept` makes of what was
    loaded the name and the value in here, or raises PluginError.
    """

    def __init__(
        self, group: str, own: Mapping[str, Value], accept: Callable[[Plugin, Any], tuple[str, Value]]
    ) -> None:
        self._group, self._own, self._accept = group, own, accept

    def __getitem__(self, name: str) -> Value:
        return self._own[name] if name in self._own else self._others[0][name]

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self._others[0]

    def __len__(self) -> int:
        return len(self._own) + len(self._others[0])

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with those that cannot be used, a sentence each."""
        return self._others[1]

    @cached_property
    def _others(self) -> tuple[Mapping[str, Value], tuple[str, ...]]:
        found: dict[str, Value] = {}
        faults = [_clash(plugins) for plugins in _found(self._group).values() if len(plugins) > 1]
        for plugin in entries(self._group).values():
            try:
                name, value = self._accept(plugin, plugin.load())
                if name in self._own or name in found:
                    raise plugin.refused(f"has a name that is taken: '{name}'. Give it another.")
                found[name] = value
            except PluginError as exc:
                faults.append(str(exc))
        for fault in faults:
            log.warning(fault)
        return MappingProxyType(found), tuple(faults)


def _clash(plugins: tuple[Plugin, ...]) -> str:
    names = ", ".join(f"'{plugin.package}'" for plugin in plugins)
    return str(plugins[0].refused(f"the packages {names} all do: none of them is used. Remove all but one."))
