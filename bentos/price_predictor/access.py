"""Access: who may ask for what, and how often.

Without keys the service answers callers on this machine alone. With keys every request but the
probes carries one, as `Authorization: Bearer <key>` or `X-API-Key: <key>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic

from bentos.price_predictor.refusal import CLOSE, Refused
from finpulse_assets.gateways.serving.service_keys import ServiceKey, digest_of

LONGEST = 256  # bytes of a header that is looked at as a key


class Access:
    """The keys and what each has left of its quota: a minute's worth, that fills as time goes."""

    def __init__(self, keys: Sequence[ServiceKey] = (), before: Access | None = None) -> None:
        self._by_digest = {key.sha256: key for key in keys}
        left = before._left if before else {}
        self._left = {key.name: left.get(key.name, (float(key.per_minute), 0.0)) for key in keys}

    def admit(self, scope: str, client: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the name of who asks, "" on this machine without keys.

        Args:
            scope: what is asked for, one of `SCOPES`.
            client: address of the other end of the connection.
            headers: of the request, by their names in small letters.

        Raises:
            Refused: 401 no valid key, 403 not in its scopes, 429 its quota is used up.
        """
        if not self._by_digest:
            if client.startswith("127.") or client in ("", "::1", "::ffff:127.0.0.1"):
                return ""
            raise Refused(
                401,
                "without keys the service answers on its own machine alone",
                hint="make a key with finpulse key, and send it",
                headers=CLOSE,
            )
        key = self._by_digest.get(digest_of(_sent(headers)[:LONGEST]))
        if key is None:
            raise Refused(
                401,
                "the request has no valid key",
                hint="send the header Authorization: Bearer <key>",
                headers=((b"www-authenticate", b"Bearer"), *CLOSE),
            )
        if scope not in key.scopes:
            raise Refused(
                403, f"the key {key.name} may not {scope}", hint=f"it may {', '.join(key.scopes)}"
            )
        self._use(key)
        return key.name

    def _use(self, key: ServiceKey) -> None:
        now, a_second = monotonic(), key.per_minute / 60
        left, at = self._left[key.name]
        left = min(float(key.per_minute), left + (now - at) * a_second)
        if left < 1:
            wait = int((1 - left) / a_second) + 1
            raise Refused(
                429,
                f"the key {key.name} has used its {key.per_minute} requests a minute up",
                hint=f"come again in {wait} s",
                headers=((b"retry-after", b"%d" % wait),),
            )
        self._left[key.name] = (left - 1, now)


def _sent(headers: Mapping[bytes, bytes]) -> bytes:
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return bearer[7:].strip()
    return headers.get(b"x-api-key", b"")
