"""callkit: every call of a CRM joined to the stage its deal stood on; share of talk against share of sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from callkit.calls import place
    from callkit.company import Company, build, open_company
    from callkit.errors import CallkitError, ContractError, UsageError
    from callkit.figures import Figures
    from callkit.measuring import measure
    from callkit.scope import Scope
    from callkit.sections import Section, section
    from callkit.zones import Period

__version__ = "0.1.0"
__all__ = [
    "CallkitError", "Company", "ContractError", "Figures", "Period", "Scope", "Section", "UsageError",
    "build", "measure", "open_company", "place", "section",
]  # fmt: skip

_HOMES = {
    "place": "calls",
    "Company": "company", "build": "company", "open_company": "company",
    "CallkitError": "errors", "ContractError": "errors", "UsageError": "errors",
    "Figures": "figures", "measure": "measuring", "Scope": "scope", "Section": "sections",
    "section": "app.answering",
    "Period": "zones",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Names are fetched when they are first used: `callkit metrics` must not wait for pandas or Altair.
    if name in _HOMES:
        import importlib

        value = getattr(importlib.import_module(f"callkit.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'callkit' has no attribute {name!r}")
