"""Companies fed by the CRM itself: what `callkit pull` fetches, where it keeps it, and how it becomes the tables.

A company's folder holds `callkit.toml`, the raw tables in `raw.duckdb` and the store that is measured,
`company.duckdb`. Only a pull writes there; every other command reads the store.
"""

from __future__ import annotations
