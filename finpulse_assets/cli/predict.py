"""`finpulse predict`: ask the running service for a symbol or, when none runs, the model itself."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Annotated
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import typer
from pydantic import SecretStr, ValidationError

from finpulse_assets.cli.console import Home, errors, results
from finpulse_assets.cli.serve import LOOPBACK, PORT
from finpulse_assets.errors import ModelError, RequestError, ServiceError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.service_environment import HOME_HEADER
from finpulse_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from finpulse_assets.domain.serving.answer import Answer

TIMEOUT_SECONDS = 10


def predict(
    symbol: Annotated[str, typer.Argument(help="Exchange symbol, for example AAPL.")],
    url: Annotated[
        str | None,
        typer.Option(help=f"The service; unset: http://{LOOPBACK}:{PORT}, else the model itself."),
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Predict the next session of a symbol, and say who was asked.

    Without --url the service of this home is asked, else its model: a service of another home that
    listens on the same port is not.

    Examples: `finpulse predict AAPL` · `finpulse predict AAPL --url http://127.0.0.1:3020`
    """
    body = json.dumps({"symbol": symbol}).encode()
    settings = load_settings(home=home)
    asked = url or f"http://{LOOPBACK}:{PORT}"
    absence = None if url else why_not_asked(asked, settings.home_id)
    named = f"the model itself, {absence}" if absence else asked
    errors.print(f"asking {named} …", highlight=False, soft_wrap=True)
    if absence:
        answer = ask_model(settings, body, now=settings.as_of or system_now())
    else:
        answer = _named_service(asked, body, settings.service_key)
    if as_json:
        sys.stdout.write(answer.model_dump_json(indent=2) + "\n")
    else:
        _print(answer)


def why_not_asked(url: str, home_id: str) -> str | None:
    """Return why the service that may listen on `url` is not to be asked, None where it is.

    Who names no service means that of the own home, and another may listen on its port.
    """
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/status", timeout=TIMEOUT_SECONDS) as reply:
            served = reply.headers.get(HOME_HEADER)
    except HTTPError as error:
        served = error.headers.get(HOME_HEADER)
    except (OSError, HTTPException):
        return "no service runs"
    if served == home_id:
        return None
    return f"{url} serves another home" if served else f"{url} does not say which home it serves"


def _named_service(url: str, body: bytes, key: SecretStr | None) -> Answer:
    try:
        return ask_service(url, body, key.get_secret_value() if key else None)
    except ConnectionRefusedError as error:
        raise ServiceError(
            f"no service listens on {url}", hint="start it with finpulse serve"
        ) from error


def ask_service(url: str, body: bytes, key: str | None = None) -> Answer:
    """Return the answer of a running service, which may ask for a key.

    Raises:
        ConnectionRefusedError: nothing listens there.
        RequestError: the service cannot answer this request.
        ServiceError: it is not ready, cannot be reached, or is another service.
    """
    if not url.startswith(("http://", "https://")):
        raise ServiceError(f"the URL is {url!r}", hint="it should begin with http:// or https://")
    from finpulse_assets.domain.serving.answer import Answer

    call = Request(  # noqa: S310
        url.rstrip("/") + "/predict?features=1",
        data=body,
        headers={"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {}),
    )
    try:
        with build_opener(ProxyHandler({})).open(call, timeout=TIMEOUT_SECONDS) as reply:
            return Answer.model_validate_json(reply.read())
    except HTTPError as error:
        raise _refusal(url, error.code, error.read()) from error
    except URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise error.reason from error
        raise ServiceError(f"{url} cannot be reached: {error.reason}") from error
    except (OSError, ValidationError) as error:
        raise _stranger(url) from error


def ask_model(settings: Settings, body: bytes, *, now: datetime) -> Answer:
    """Return the answer of the champion on the features published last, without a service.

    Args:
        settings: whose home.
        body: the request, as the service takes it.
        now: UTC time at which features and model are judged stale or not.

    Raises:
        RequestError: the request cannot be answered.
        ModelError, LakeError: no model was promoted, or no features were published yet.
    """
    from finpulse_assets.domain.features.online import ONLINE_FEATURES
    from finpulse_assets.domain.serving.answering import Answering
    from finpulse_assets.gateways.lake.lake import Lake
    from finpulse_assets.gateways.models.model_store import ModelStore
    from finpulse_assets.gateways.serving.bundle import predictor_of

    models = ModelStore(settings.models / "price")
    promotion = models.promotion()
    if promotion is None:
        raise ModelError("no model was promoted yet", hint="run `finpulse run`")
    model = models.load(promotion.champion.candidate_id)
    online = Lake(settings.lake).scan(ONLINE_FEATURES).collect()
    answering = Answering(predictor_of(model, promotion, online))
    answering.warm_up(now)  # else the answer's latency is that of an import
    return answering.answer(body, now=now)


def _refusal(url: str, status: int, body: bytes) -> RequestError | ServiceError:
    """Return the service's own sentence as an error."""
    try:
        said = json.loads(body)
        message, hint = said["error"], said["hint"]
    except (ValueError, TypeError, KeyError):
        return _stranger(url)
    kind = RequestError if status < 500 else ServiceError
    return kind(message, hint=hint)


def _stranger(url: str) -> ServiceError:
    return ServiceError(
        f"{url} does not answer as the prediction service does",
        hint="check the URL, or start the service with finpulse serve",
    )


def _print(answer: Answer) -> None:
    advice = (
        f"abstain: {', '.join(answer.abstain_reasons)}"
        if answer.abstain
        else "no reason to abstain"
    )
    results.print(
        f"{answer.symbol} {answer.prediction}: P(up) {answer.probability:.3f}, confidence "
        f"{answer.confidence:.3f}, expected return {answer.expected_return:+.2%} ({advice})",
        highlight=False,
        soft_wrap=True,
    )
    behind = answer.sessions_behind
    age = f", {behind} session{'s' * (behind > 1)} behind" if behind else ""
    results.print(
        f"as of {answer.as_of:%Y-%m-%d %H:%M} UTC{age}, model {answer.model_version}, "
        f"{answer.latency_ms:.1f} ms",
        highlight=False,
        soft_wrap=True,
    )
