"""The JSON API: what the pages show, for programs of the signed-in person. Described by /api/openapi.json, and by
/openapi.json alike.

It reads only. The browser's session cookie is the proof, so no other site can use it: answers carry no CORS headers.
`router` is what the portal includes; it finds the surface in the state of the application (`dependencies.py`).
"""

from fastapi import APIRouter

from web.api import audit, me
from web.api.answers import Failure

router = APIRouter(prefix="/api/v1", responses={status: {"model": Failure} for status in (401, 403, 422)})
router.include_router(me.router)
router.include_router(audit.router)
