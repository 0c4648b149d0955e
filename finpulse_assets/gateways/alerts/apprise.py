"""Sending alerts: Apprise, which reaches Slack, mail, webhooks and a hundred services by URL.

The protocol of a sender, the Apprise one, the ping of the dead-man's switch.
https://appriseit.com/services/

A URL of Apprise holds its token, and so may the messages of the libraries below it. Neither ever
leaves this module: a destination is known by the hash of its URL, a failure by its service.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import Protocol

from finpulse_assets.domain.monitoring.alert import Message, Phase, Severity
from finpulse_assets.domain.monitoring.message_forms import Form
from finpulse_assets.errors import AlertError, SettingError

TIMEOUT_SECONDS = 10.0
# A comma inside of a URL (two addresses of a mail) does not part it.
BETWEEN_URLS = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9]*://)")


class AlertSender(Protocol):
    """Takes messages to destinations."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """The destinations in the order of the setting, each by the hash of its URL."""

    def send(self, destination: str, message: Message) -> None:
        """Deliver `message` within the timeout.

        Raises:
            SettingError: the destination cannot be used as it is set.
            AlertError: the destination did not take the message.
        """


@dataclass(frozen=True)
class AppriseSender:
    """Sends by Apprise.

    Args:
        urls: Apprise URLs by comma, the value of the setting; secret.
        source: which deployment this is, put before each title.
        runbooks: where the runbook pages are.
        ui: URL of the Dagster UI, for links; "" leaves them out.
        timeout_seconds: the most that one delivery may take.
    """

    urls: str = field(repr=False)
    source: str = "finpulse"
    runbooks: str = "docs/runbooks"
    ui: str = ""
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def destinations(self) -> tuple[str, ...]:
        return tuple(self._by_hash)

    @property
    def _by_hash(self) -> dict[str, str]:
        urls = [url.strip(", ") for url in BETWEEN_URLS.split(self.urls.strip())]
        return {hashlib.sha256(url.encode()).hexdigest()[:12]: url for url in urls if url}

    def send(self, destination: str, message: Message) -> None:
        """Deliver `message`; see `AlertSender.send`."""
        service = self._service(destination)
        # What the service shows best by itself, or what its URL asks for (format=text).
        form = Form(service[0].resolve_format(None).value)
        result = service.notify(
            title=f"[{self.source}] {message.title}",
            body=message.body(self.runbooks, self.ui, form),
            notify_type=_notify_type(message),
            body_format=form.value,
            timeout=self.timeout_seconds,
        )
        if not result:
            raise AlertError(
                f"{self._name(destination)} did not take message {message.message_id}",
                hint="nothing is lost, it is tried again; check the service behind the URL",
            )

    def _service(self, destination: str) -> object:
        try:
            import apprise
        except ImportError:
            raise SettingError(
                "FINPULSE_ALERT_URLS is set and apprise is not installed",
                hint="pip install 'finpulse[monitoring]'",
            ) from None
        # Apprise logs what requests says, and that names the whole URL.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        asset = apprise.AppriseAsset(app_id="FinPulse", storage_mode="memory")
        plugin = apprise.Apprise.instantiate(self._by_hash[destination], asset=asset)
        if plugin is None:
            at = self.destinations.index(destination) + 1
            raise SettingError(
                f"FINPULSE_ALERT_URLS: URL {at} of {len(self.destinations)} "
                f"({self._name(destination)}) is none of Apprise",
                hint="see https://appriseit.com/services/ for the form of each service",
            )
        plugin.socket_connect_timeout = plugin.socket_read_timeout = self.timeout_seconds / 2
        service = apprise.Apprise(asset=asset)
        service.add(plugin)
        return service

    def _name(self, destination: str) -> str:
        """Return the service and the hash: enough to find the URL, too little to use it."""
        service, is_url, _secret = self._by_hash[destination].partition("://")
        return f"{service if is_url else 'no URL'}:{destination}"


def ping(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS / 2) -> bool:
    """Ask for the dead-man's URL, and return whether it answered well; nothing is raised."""
    import requests

    try:
        with requests.get(url, timeout=timeout_seconds, stream=True) as answer:
            return answer.ok
    except requests.RequestException:
        return False


def _notify_type(message: Message) -> str:
    if message.phase is Phase.ENDED:
        return "success"
    types = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}
    return types[message.alert.severity]
