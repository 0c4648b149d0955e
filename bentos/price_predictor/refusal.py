"""How a request is refused: a status, the sentence and what to do."""

from __future__ import annotations

import json

from starlette.responses import Response

from finpulse_assets.errors import FinPulseError


def refused(status: int, error: FinPulseError) -> Response:
    """Return the answer `{"error": ..., "hint": ...}`."""
    content = {"error": error.message, "hint": error.hint}
    return Response(json.dumps(content), status_code=status, media_type="application/json")
