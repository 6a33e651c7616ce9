"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["nobody", "visitor", "host"]
Scope = Literal["models", "read", "run", "operate"]
ALL_SCOPES: frozenset[Scope] = frozenset(("models", "read", "run", "operate"))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with what.

    `visitor` is what runs and uploads belong to, "" for nobody's; never shown. `name` is what others may read. `role`
    is "nobody" for one who has to log in first. `scopes` narrows what an API token may do: "models" lists and reads
    models, "read" sees runs, "run" makes and changes them, "operate" does what hosts do. `keys` are the keys of share
    links that were shown; never printed.
    """

    visitor: str
    role: Role = "visitor"
    name: str = ""
    scopes: frozenset[Scope] = ALL_SCOPES
    keys: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def operates(self) -> bool:
        """Whether the caller may do what hosts do."""
        return self.role == "host" and "operate" in self.scopes


THE_SERVER = Caller("", "host", "the server itself")
"""What nobody asked for, such as the end of a run that became too old."""
THE_COMMAND_LINE = Caller("", "host", "the command line")
"""Who sits at the server's machine, and may change all that is there."""
