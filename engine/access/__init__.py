"""Who may do what: callers, their API tokens, shares of runs, and the trail of what was done."""

from engine.access.audit import AuditEntry, AuditSearch, AuditTrail
from engine.access.caller import ALL_SCOPES, THE_COMMAND_LINE, THE_SERVER, Caller, Role, Scope
from engine.access.shares import Share, Shares
from engine.access.tokens import Token, Tokens

__all__ = [
    "ALL_SCOPES",
    "THE_COMMAND_LINE",
    "THE_SERVER",
    "AuditEntry",
    "AuditSearch",
    "AuditTrail",
    "Caller",
    "Role",
    "Scope",
    "Share",
    "Shares",
    "Token",
    "Tokens",
]
