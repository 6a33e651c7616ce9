"""The API put together, with its OpenAPI description and a page to try it on, which asks no other server."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from dashboard.v1 import lake, models, results, runs, uploads, versions
from dashboard.v1.bodies import Bodies
from dashboard.v1.problems import Problem, add_handlers, problem

PATH = "/api/v1"
_ABOUT = """The same models, runs and results as on the pages. Ask with `Authorization: Bearer …` and a token of the
page 'API tokens'; without a login, programs on the server's own machine need none. Errors are problems: RFC 9457."""
_STATIC = Path(fastapi_offline.__file__).parent / "static"

api = FastAPI(title="Forelight", version="1", description=_ABOUT, docs_url=None, redoc_url=None, redirect_slashes=False)
add_handlers(api)
api.add_middleware(Bodies)
_PARTS = (models.router, versions.router, uploads.router, lake.router, runs.of_model, runs.router, results.router)
for part in _PARTS:
    api.include_router(part)


@api.get("/docs", include_in_schema=False)
def docs() -> HTMLResponse:
    """The page; its scripts come from this server."""
    return get_swagger_ui_html(
        openapi_url=f"{PATH}/openapi.json",
        title="Forelight API",
        swagger_js_url=f"{PATH}/static/swagger-ui-bundle.js",
        swagger_css_url=f"{PATH}/static/swagger-ui.css",
        swagger_favicon_url=f"{PATH}/static/favicon.png",
    )


api.mount("/static", StaticFiles(directory=_STATIC), name="static")


def _described() -> dict[str, object]:
    """The description, with the schema of problems, which only answers name."""
    if api.openapi_schema is None:
        made = FastAPI.openapi(api)
        made["components"]["schemas"]["Problem"] = Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        made["components"]["schemas"]["Problem"].pop("$defs", None)
        made["servers"] = [{"url": PATH}]
        api.openapi_schema = made
    return api.openapi_schema


api.openapi = _described  # type: ignore[method-assign]


async def _nothing_here(request: Request) -> Response:
    return problem(404, "There is nothing here.")


API_ROUTES: tuple[BaseRoute, ...] = (Mount(PATH, api), Mount("/api", routes=[Route("/{rest:path}", _nothing_here)]))
