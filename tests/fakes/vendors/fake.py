"""What each vendor on loopback is: a name, a secret, and the answer to a request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.faults import Made


@dataclass(frozen=True)
class Asked:
    """A request to a vendor; `fault` is one that the vendor tells in its own way."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    now: datetime
    fault: str | None = None


class Fake(ABC):
    """A vendor; its secret stands in nothing that it is not sent in.

    Requests for `free_paths` bring the credential: no fault and no rate meets them.
    """

    name: str
    free_paths: tuple[str, ...] = ("token",)

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.secret = f"secret-of-{self.name}-7461"
        self.token = f"token-of-{self.name}-9823"

    @abstractmethod
    def made(self, asked: Asked) -> Made:
        """Return the answer to a request."""
