"""A server that speaks the chat interface of OpenAI (vLLM, llama.cpp, Ollama and others).

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from finpulse_assets.errors import ReportError

TIMEOUT_SECONDS = (10, 300)
MAX_TOKENS = 1200


@dataclass
class ServerWriter:
    """Asks `<address>/chat/completions`; the key goes into the header alone."""

    address: str
    model: str
    key: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.model

    def __enter__(self) -> ServerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Nothing is held."""

    def write(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return the answer; see `Writer.write`."""
        import requests

        asked = {
            "model": self.model,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "temperature": 0.2,
            "max_tokens": MAX_TOKENS,
        }
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            answer = requests.post(
                f"{self.address}/chat/completions", json=asked, headers=headers,
                timeout=TIMEOUT_SECONDS, allow_redirects=False,
            )  # fmt: skip
            if answer.status_code != requests.codes.ok:
                raise ReportError(f"{self.model} answered with status {answer.status_code}")
            return str(answer.json()["choices"][0]["message"]["content"])
        except requests.RequestException as error:
            raise ReportError(f"{self.model} did not answer: {type(error).__name__}") from None
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ReportError(f"{self.model} answered in another form: {error!r}") from error
