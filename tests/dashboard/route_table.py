"""What each route answers to each role, with a login and without: a status for each of ROLES, in their order."""

from __future__ import annotations

Statuses = tuple[int, ...]
ROLES = (
    *("nobody", "owner", "another", "with key", "host"),
    *("models token", "read token", "run token", "expired token", "operate token", "another's token"),
)
# Browsers, by their cookie or login, and programs: what routes beside the pages answer.
_SEEN_WITH_LOGIN = (401, 200, 404, 200, 200, 403, 200, 403, 401, 403, 404)
_SEEN = (200, 200, 200, 200, 200, 403, 200, 403, 401, 403, 200)
_SENT = (403, 200, 200, 200, 200, 403, 403, 200, 403, 403, 200)
_ROOM = (403, 204, 204, 204, 204, 403, 403, 204, 403, 403, 204)
_REMOVED = (403, 204, 404, 404, 404, 403, 403, 204, 403, 403, 404)
_ALL = (200,) * len(ROLES)
WITH_LOGIN: dict[str, Statuses] = {
    "GET /download/{run_id}/{name}": _SEEN_WITH_LOGIN,
    "GET /report/{run_id}": _SEEN_WITH_LOGIN,
    "GET /image/{run_id}/{row:int}": _SEEN_WITH_LOGIN,
    "GET /template/{model_id}": (401, 200, 200, 200, 200, 200, 403, 403, 401, 403, 200),
    "GET /upload": _ROOM,
    "POST /upload": _SENT,
    "DELETE /upload/{upload_id}": _REMOVED,
    "GET /login": (302,) * len(ROLES),
    "GET /healthz": _ALL,
    "GET /readyz": _ALL,
    "GET /metrics": (404, 404, 404, 404, 200, 404, 404, 404, 404, 200, 404),
}
# Without one, whoever has a run's address sees it; there is no nobody, and no host among browsers elsewhere.
WITHOUT_LOGIN: dict[str, Statuses] = {
    **WITH_LOGIN,
    **{name: _SEEN for name in WITH_LOGIN if "run_id" in name},
    "GET /template/{model_id}": (200, 200, 200, 200, 200, 200, 403, 403, 401, 403, 200),
    "GET /login": (404,) * len(ROLES),
    "GET /metrics": (404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404),
}


def _api(models: int, read: int, run: int, another: int, operate: int = 403) -> Statuses:
    """The API knows tokens alone: a browser's cookie, or a key without a login, lets nobody in."""
    return (401, 401, 401, 401, 401, models, read, run, 401, operate, another)


_READ, _WHOSE = (403, 200, 403), 404
API: dict[str, Statuses] = {
    "GET /openapi.json": _ALL,
    "GET /docs": _ALL,
    "GET /models": _api(200, 403, 403, 200),
    "GET /models/{model_id}": _api(200, 403, 403, 200),
    "GET /models/{model_id}/template": _api(200, 403, 403, 200),
    "POST /models/{model_id}/predictions": _api(403, 403, 422, 422),
    "POST /models/{model_id}/runs": _api(403, 403, 422, 422),
    "POST /uploads": _api(403, 403, 201, 201),
    "DELETE /uploads/{upload_id}": _api(403, 403, 204, 404),
    "POST /runs": _api(403, 403, 404, 404),
    "GET /runs": _api(403, 200, 403, 200),
    "GET /runs/{run_id}": _api(*_READ, _WHOSE),
    "PATCH /runs/{run_id}": _api(403, 403, 200, _WHOSE),
    "DELETE /runs/{run_id}": _api(403, 403, 204, _WHOSE),
    "GET /runs/{run_id}/events": _api(*_READ, _WHOSE),
    "POST /runs/{run_id}/start": _api(403, 403, 409, _WHOSE),
    "POST /runs/{run_id}/cancel": _api(403, 403, 202, _WHOSE),
    "POST /runs/{run_id}/resume": _api(403, 403, 409, _WHOSE),
    "GET /runs/{run_id}/shares": _api(403, 200, 403, _WHOSE),
    "POST /runs/{run_id}/shares": _api(403, 403, 201, _WHOSE),
    "DELETE /runs/{run_id}/shares/{share_id}": _api(403, 403, 204, _WHOSE),
    "GET /runs/{run_id}/rows": _api(*_READ, _WHOSE),
    "GET /runs/{run_id}/download.{suffix}": _api(*_READ, _WHOSE),
    "GET /runs/{run_id}/report": _api(*_READ, _WHOSE),
}


def expected(route: str, role: str, *, login: bool, api: bool) -> int:
    """The status of that route for that role."""
    place = ROLES.index(role)
    if not api:
        return (WITH_LOGIN if login else WITHOUT_LOGIN)[route][place]
    status = API[route][place]
    if role == "another's token" and status == _WHOSE and "run_id" in route and not login:
        return API[route][ROLES.index("read token")] if route.startswith("GET") and "shares" not in route else 403
    return status
