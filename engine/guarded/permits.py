"""What a caller gives to others: links to runs, and API tokens."""

from __future__ import annotations

from collections.abc import Collection, Sized

from engine.access import Scope, Share, Token
from engine.errors import NotAllowed
from engine.guarded.guard import Guard

DAYS_OF_A_LINK = 7.0
DAYS_OF_A_TOKEN = 30.0
MOST_DAYS = 366.0
MOST_AT_ONCE = 100


class Permits(Guard):
    """Sharing and tokens."""

    def share_link(self, run_id: str, days: float = DAYS_OF_A_LINK) -> tuple[Share, str]:
        """(the share, the key that opens the run): whoever shows the key sees it, for so many days at most."""
        self._mine(run_id, "run")
        _check_count(self._shares.of(run_id), "links to this run")
        share, key = self._shares.link(run_id, self.caller.visitor, _days(days))
        self._note("shared", run_id, "by link")
        return share, key

    def share_with_all(self, run_id: str, days: float = DAYS_OF_A_LINK) -> Share:
        """Opens the run to all who may log in."""
        self._mine(run_id, "run")
        share = self._shares.everyone(run_id, self.caller.visitor, _days(days))
        self._note("shared", run_id, "with all")
        return share

    def shares(self, run_id: str) -> tuple[Share, ...]:
        """The ways that others have to see the run now."""
        self._mine(run_id, "read")
        return self._shares.of(run_id)

    def unshare(self, run_id: str, share_id: str = "") -> None:
        """Takes that way back, or all of them, at once."""
        self._mine(run_id, "run")
        if self._shares.revoke(run_id, share_id):
            self._note("unshared", run_id)

    def make_token(self, name: str, scopes: Collection[Scope], days: float = DAYS_OF_A_TOKEN) -> tuple[Token, str]:
        """(the token, its words, which are never shown again): what a program shows instead of a login."""
        self._may("run")
        _check_count(self._tokens.of(self._visitor()), "tokens")
        token, words = self._tokens.make(self.caller, name, scopes, _days(days))
        self._audit.note(self.caller, "made a token", detail=f"{token.id}, {' '.join(token.scopes)}")
        return token, words

    def tokens(self) -> tuple[Token, ...]:
        """The caller's own tokens; of all for hosts."""
        self._may("read")
        return self._tokens.of(None if self.caller.operates else self._visitor())

    def revoke_token(self, token_id: str) -> None:
        """That token, of the caller's own or of anybody's for hosts, opens nothing any more."""
        self._may("run")
        if self._tokens.revoke(token_id, None if self.caller.operates else self._visitor()):
            self._audit.note(self.caller, "revoked a token", detail=token_id)


def _check_count(found: Sized, what: str) -> None:
    if len(found) >= MOST_AT_ONCE:
        raise NotAllowed(f"There are {MOST_AT_ONCE} {what} already, as many as there may be. Take one back first.")


def _days(days: float) -> float:
    if not 0 < days <= MOST_DAYS:
        raise NotAllowed(f"It may last up to {MOST_DAYS:.0f} days; {days:g} were asked for.")
    return days
