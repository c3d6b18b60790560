"""The addresses of the server, as a FastAPI application."""

from trizoo import __version__
from trizoo.ground.errors import UserError
from trizoo.ground.text import to_json
from trizoo.serve.body import throw_away
from trizoo.serve.guard import Guard, error_body
from trizoo.serve.page import make_page
from trizoo.serve.refused import RefusedError
from trizoo.serve.wish import asked_of, parse_wish

LIBRARIES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
_IMAGE = {"type": "string", "format": "binary"}
_FORM = {"schema": {"type": "object", "required": ["image"], "properties": {"image": _IMAGE}}}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_PARAMETERS = {
    "confidence": ("the least score of what is listed", _SHARE),
    "nms": ("IoU of non-maximum suppression", _SHARE),
    "classes": (
        "only these are looked for; may be given several times",
        {"type": "array", "items": {"type": "string"}},
    ),
    "top": ("how many classes are told, the likeliest first", {"type": "integer", "minimum": 1}),
    "mask": ("the mask too, as a PNG in base64 whose pixels are class ids", {"type": "string", "enum": ["png"]}),
}


def check_installed(is_installed):
    """UserError where a library of the extra is missing.

    Args:
        is_installed: module's name -> bool
    """
    missing = [name for module, name in LIBRARIES.items() if not is_installed(module)]
    if missing:
        raise UserError(f"serving needs {' and '.join(missing)}; pip install 'trizoo[serve]' would do")


def make_app(service, hosts=None):
    """The application of a `trizoo.serve.service.Service`.

    Args:
        hosts: see `trizoo.serve.guard.Guard`
    """
    from fastapi import FastAPI, Request
    from fastapi.responses import Response
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect

    served, limits, page = service.served, service.limits, make_page()
    # /docs and /redoc would load scripts from the internet
    app = FastAPI(title="TriZoo", version=__version__, docs_url=None, redoc_url=None)

    def as_json(body, headers=None):
        return Response(body, headers=headers, media_type="application/json")

    @app.get("/", include_in_schema=False)
    async def index():
        return Response(page.body, headers={"Content-Security-Policy": page.policy}, media_type="text/html")

    @app.get("/health", summary="Whether the server answers; requests it has now, images and batches it has looked at")
    async def health():
        if not service.batches.is_alive:
            raise RefusedError(503, "the thread that looks at images has ended; start the server again")
        counts = {"requests": service.inside, "images": service.batches.items, "batches": service.batches.batches}
        return as_json(to_json({"status": "ok", **counts, "version": __version__}))

    @app.get("/model", summary="The model, its classes and thresholds, and what the server takes")
    async def model():
        more = {"megabytes": limits.megabytes, "megapixels": limits.megapixels, "seconds": limits.seconds}
        return as_json(to_json(served.about() | {"limits": more}))

    @app.post("/predict", summary="What is found in an image", openapi_extra=_described(served.task.name))
    async def predict(request: Request):
        blocks = request.stream()
        try:
            wish = parse_wish(request.query_params.multi_items(), served.task.name, served.classes)
            result, seconds = await service.predict(blocks, request.headers, wish)
        except RefusedError:
            await throw_away(blocks, request.headers)
            raise
        timing = ", ".join(f"{stage};dur={1000 * value:.1f}" for stage, value in seconds.items())
        return as_json(to_json(result), {"Server-Timing": timing})

    @app.exception_handler(RefusedError)
    async def refused(request: Request, refusal: RefusedError):
        return _error(int(refusal.status), refusal, refusal.headers())

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect):
        return _error(400, "the client has gone before its request was whole")

    @app.exception_handler(HTTPException)
    async def failed(request: Request, error: HTTPException):
        known = ", ".join(("/", "/health", "/model", "/predict", "/openapi.json"))
        sentences = {
            404: f"there is nothing at {request.url.path!r:.80}; {known} are there",
            405: f"{request.method:.20} isn't done at {request.url.path!r:.80}; POST at /predict, GET elsewhere",
        }
        return _error(error.status_code, sentences.get(error.status_code, error.detail), error.headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception):
        return _error(500, "the model failed at this image; the server's own output says more")

    def _error(status, sentence, headers=None):
        return Response(error_body(sentence), status, headers=headers, media_type="application/json")

    app.add_middleware(Guard, hosts=hosts)
    return app


def _described(task):
    """What OpenAPI says of /predict for a task."""
    parameters = [
        {"name": name, "in": "query", "description": _PARAMETERS[name][0], "schema": _PARAMETERS[name][1]}
        for name in asked_of(task)
    ]
    content = {
        "multipart/form-data": _FORM,
        "image/*": {"schema": _IMAGE},
        "application/octet-stream": {"schema": _IMAGE},
    }
    return {"parameters": parameters, "requestBody": {"required": True, "content": content}}
