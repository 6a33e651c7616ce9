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
_ALL, _NONE = (200,) * len(ROLES), (404,) * len(ROLES)
_FOR_HOSTS = (404, 404, 404, 404, 200, 404, 404, 404, 404, 200, 404)
_FOR_OPERATORS = (404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404)
WITH_LOGIN: dict[str, Statuses] = {
    "GET /download/{run_id}/{name}": _SEEN_WITH_LOGIN,
    "GET /report/{run_id}": _SEEN_WITH_LOGIN,
    "GET /image/{run_id}/{row:row}": _SEEN_WITH_LOGIN,
    "GET /mask/{run_id}/{row:row}": _SEEN_WITH_LOGIN,
    "GET /template/{model_id}": (401, 200, 200, 200, 200, 200, 403, 403, 401, 403, 200),
    "GET /upload": _ROOM,
    "POST /upload": _SENT,
    "DELETE /upload/{upload_id}": _REMOVED,
    "GET /login": (302,) * len(ROLES),
    "GET /healthz": _ALL,
    "GET /readyz": _ALL,
    "GET /metrics": _FOR_HOSTS,
    "GET /trail.csv": _FOR_HOSTS,
    **{
        f"GET /{name}{{rest:path}}": _NONE
        for name in ("download/", "report/", "template/", "image/", "mask/", "upload/", "api/")
    },
}
# Without one, whoever has a run's address sees it; there is no nobody, and no host among browsers elsewhere.
WITHOUT_LOGIN: dict[str, Statuses] = {
    **WITH_LOGIN,
    **{name: _SEEN for name in WITH_LOGIN if "run_id" in name},
    "GET /template/{model_id}": (200, 200, 200, 200, 200, 200, 403, 403, 401, 403, 200),
    "GET /login": (404,) * len(ROLES),
    "GET /metrics": _FOR_OPERATORS,
    "GET /trail.csv": _FOR_OPERATORS,
}


def _api(models: int, read: int, run: int, another: int, operate: int = 403) -> Statuses:
    """The API knows tokens alone: a browser's cookie, or a key without a login, lets nobody in."""
    return (401, 401, 401, 401, 401, models, read, run, 401, operate, another)


_READ, _WHOSE = (403, 200, 403), 404
API: dict[str, Statuses] = {
    "GET /openapi.json": _ALL,
    "GET /docs": _ALL,
    "GET /static/*": _ALL,
    "GET /models": _api(200, 403, 403, 200),
    "GET /models/{model_id}": _api(200, 403, 403, 200),
    "GET /models/{model_id}/template": _api(200, 403, 403, 200),
    "GET /models/{model_id}/versions": _api(200, 403, 403, 200),
    "POST /models/{model_id}/versions": _api(403, 403, 403, 403),
    "PUT /models/{model_id}/default": _api(403, 403, 403, 403, operate=404),
    "POST /models/{model_id}/predictions": _api(403, 403, 422, 422),
    "POST /models/{model_id}/runs": _api(403, 403, 422, 422),
    "POST /uploads": _api(403, 403, 201, 201),
    "DELETE /uploads/{upload_id}": _api(403, 403, 204, 404),
    "GET /lake": _api(403, 403, 200, 200),
    "GET /lake/{folder}": _api(403, 403, 200, 200),
    "POST /lake/{folder}": _api(403, 403, 201, 201),
    "POST /runs": _api(403, 403, 404, 404),
    "GET /runs": _api(403, 200, 403, 200),
    "GET /runs/{run_id}": _api(*_READ, _WHOSE),
    "PATCH /runs/{run_id}": _api(403, 403, 200, _WHOSE),
    "DELETE /runs/{run_id}": _api(403, 403, 204, _WHOSE),
    "GET /runs/{run_id}/events": _api(*_READ, _WHOSE),
    "POST /runs/{run_id}/start": _api(403, 403, 409, _WHOSE),
    "POST /runs/{run_id}/cancel": _api(403, 403, 202, _WHOSE),
    "POST /runs/{run_id}/resume": _api(403, 403, 409, _WHOSE),
    "POST /runs/{run_id}/by-version": _api(403, 403, 201, _WHOSE),
    "GET /runs/{run_id}/shares": _api(403, 200, 403, _WHOSE),
    "POST /runs/{run_id}/shares": _api(403, 403, 201, _WHOSE),
    "DELETE /runs/{run_id}/shares/{share_id}": _api(403, 403, 204, _WHOSE),
    "GET /runs/{run_id}/rows": _api(*_READ, _WHOSE),
    "GET /runs/{run_id}/rows/{row}/mask.png": _api(*_READ, _WHOSE),
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


# Streamlit's own routes: what they answer to whom the wall lets through. It knows browsers that are logged in, and
# nobody else, tokens included; without a login everyone.
_LOGGED_IN = ("owner", "another", "with key", "host", "expired token")
_AGENT = [f"{method} /_stcore/agent/" for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")]
STREAMLIT: dict[str, int] = {
    "WEBSOCKET /_stcore/stream": 101,  # the pages: PAGES below
    "GET /*": 200,  # the page's frame and scripts
    "GET /app/static/{path:path}": 200,  # the fonts
    "OPTIONS /app/static/{path:path}": 204,
    "GET /_stcore/host-config": 200,
    "GET /media/{file_id:path}": 200,
    "OPTIONS /media/{file_id:path}": 204,
    "GET /component/{path:path}": 404,
    "OPTIONS /component/{path:path}": 204,
    "GET /_stcore/bidi-components/{path:path}": 404,
    "OPTIONS /_stcore/bidi-components/{path:path}": 204,
    "PUT /_stcore/upload_file/{session_id}/{file_id}": 404,  # closed: files come by /upload
    "DELETE /_stcore/upload_file/{session_id}/{file_id}": 404,
    "OPTIONS /_stcore/upload_file/{session_id}/{file_id}": 404,
    "GET /_stcore/metrics": 404,
    "OPTIONS /_stcore/metrics": 404,
    **{f"{name}{path}": 404 for name in _AGENT for path in ("interact", "openapi.json", "mcp")},
    "GET /_stcore/health": 200,
    "OPTIONS /_stcore/health": 204,
    "GET /auth/login": 302,
    "GET /auth/logout": 302,
    "GET /oauth2callback": 302,
}
_BEFORE_THE_WALL = ("/_stcore/health", "/auth/", "/oauth2callback")


def expected_of_streamlit(route: str, *, login: bool) -> Statuses:
    """The status of that route for each of ROLES."""
    path, status = route.partition(" ")[2], STREAMLIT[route]
    if not login or path.startswith(_BEFORE_THE_WALL):
        return (status,) * len(ROLES)
    refused = 403 if status == 101 else 401
    return tuple(status if role in _LOGGED_IN else refused for role in ROLES)


# What each page is to whoever has a session, with a login; nobody is who was logged out meanwhile.
PEOPLE = ("nobody", "owner", "another", "with key", "host")
_PAGE, _MISSING, _UNKNOWN = "the page", "no such run", "no such page"
_EVERYONE = (_UNKNOWN, _PAGE, _PAGE, _PAGE, _PAGE)
_OF_A_RUN = (_UNKNOWN, _PAGE, _MISSING, _PAGE, _PAGE)
PAGES: dict[str, tuple[str, ...]] = {
    "predict": _EVERYONE,
    "try_it": _EVERYONE,
    "runs": _EVERYONE,
    "models": _EVERYONE,
    "tokens": _EVERYONE,
    "result": _OF_A_RUN,
    "compare": _OF_A_RUN,
    "host": (_UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN, _PAGE),
}
