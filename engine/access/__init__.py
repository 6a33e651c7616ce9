"""Who may do what: callers, their API tokens, shares of runs, and the trail of what was done."""

from engine.access.audit import AuditEntry, AuditTrail
from engine.access.caller import ALL_SCOPES, THE_SERVER, Caller, Role, Scope
from engine.access.shares import Share, Shares
from engine.access.tokens import Token, Tokens

__all__ = [
    "ALL_SCOPES",
    "THE_SERVER",
    "AuditEntry",
    "AuditTrail",
    "Caller",
    "Role",
    "Scope",
    "Share",
    "Shares",
    "Token",
    "Tokens",
]
