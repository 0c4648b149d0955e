"""The roll-out: which versions of a store are served, and how, as a small file in the store.

A version is a built bento. The live one answers; a canary answers a share of the requests in its
place; a shadow is scored on what was answered and never answers. Running services follow the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.atomic import written_atomically

NEWEST = "newest"  # the version that was built last, whichever that is
MEND = "set it anew with finpulse rollout"


@dataclass(frozen=True)
class Rollout:
    """Which versions are served.

    Attributes:
        live: the version that answers.
        canary: the version that answers a share of the requests, None for none.
        share: that share, 0 to 1.
        shadow: the version that is scored and never answers, None for none.
        before: what was in force before the last change, None where there was none.
    """

    live: str = NEWEST
    canary: str | None = None
    share: float = 0.0
    shadow: str | None = None
    before: Rollout | None = None

    @property
    def named(self) -> set[str]:
        """The versions that are named, now and before: they are kept."""
        own = {self.live, self.canary, self.shadow} - {None, NEWEST}
        return own | (self.before.named if self.before else set())

    def after(self, present: Rollout) -> Self:
        """Return this roll-out as it follows the present one."""
        return replace(self, before=replace(present, before=None))

    def back(self) -> Rollout:
        """Return what was in force before, from which there is a way back to this.

        Raises:
            ServiceError: nothing was.
        """
        if self.before is None:
            raise ServiceError(
                "the roll-out was never changed, there is nothing to go back to",
                hint="choose a version: finpulse rollout --live VERSION",
            )
        return self.before.after(self)


def rollout_of(bentos: Path) -> Path:
    """Return the file of the roll-out of the service whose bentos lie in that folder."""
    return bentos.parents[1] / f"{bentos.name}.rollout.json"


def read_rollout(path: Path) -> Rollout:
    """Return the roll-out in a file; without a file, the newest version is live.

    Raises:
        ServiceError: it is no roll-out.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Rollout)
    except FileNotFoundError:
        return Rollout()
    except (OSError, msgspec.MsgspecError) as error:
        raise ServiceError(f"the roll-out {path} cannot be read: {error}", hint=MEND) from error
    check_share(found)
    return found


def check_share(rollout: Rollout) -> None:
    """Hold the share of a canary to its limits.

    Raises:
        ServiceError: it is not between 0 and 1, or belongs to no canary.
    """
    if not 0 <= rollout.share <= 1 or (rollout.canary is None) != (rollout.share == 0):
        whose = f"the canary {rollout.canary}" if rollout.canary else "no canary"
        raise ServiceError(
            f"the share is {rollout.share:g} with {whose}",
            hint="a canary has a share above 0, at most 1: --canary VERSION --share 0.1",
        )


def write_rollout(path: Path, rollout: Rollout) -> None:
    """Put a roll-out in force; services that run follow within a second."""
    check_share(rollout)
    with written_atomically(path) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(rollout)) + b"\n")
