"""Bodies: one wrapper around what assets and checks compute, put on in one place."""

from __future__ import annotations

from collections.abc import Callable, Set
from copy import copy
from typing import Any, TypeVar

import dagster as dg

from finpulse_assets.orchestration.run.dagster_internals import DecoratedOpFunction, replace

Computed = TypeVar("Computed", bound=dg.AssetsDefinition)
Body = Callable[..., Any]


def with_bodies(
    definitions: dg.Definitions, wrap: Callable[[dg.AssetsDefinition], dg.AssetsDefinition]
) -> dg.Definitions:
    """Return the definitions with `wrap` applied to every asset and check that computes."""
    # One that a second module imports stands in the list twice, and must stay one.
    assets = {id(it): it for it in definitions.assets or ()}
    checks = {id(it): it for it in definitions.asset_checks or ()}
    return replace(
        definitions,
        assets=[wrap(it) if _computes(it) else it for it in assets.values()],
        asset_checks=[wrap(it) if _computes(it) else it for it in checks.values()],
    )


def with_body(
    computed: Computed, wrap: Callable[[Body], Body], *, resources: Set[str] = frozenset()
) -> Computed:
    """Return a copy whose body is wrapped; the wrapper may read `resources` from the context.

    A copy, because the definition in its module is called by its tests as it stands.
    """
    wrapped, op = copy(computed), copy(computed.op)
    op._compute_fn = DecoratedOpFunction(wrap(op.compute_fn.decorated_fn))
    op._required_resource_keys = frozenset({*op.required_resource_keys, *resources})
    wrapped._computation = replace(computed._computation, node_def=op)
    return wrapped


def _computes(it: object) -> bool:
    return isinstance(it, dg.AssetsDefinition) and it.is_executable
