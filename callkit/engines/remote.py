"""What engines outside this process have in common: how values are bound, how checked tables come in."""

from __future__ import annotations

import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from callkit.contract import CONTRACT
from callkit.engine import PREFIX, DuckDB, Row, quoted
from callkit.reading import Reading

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from callkit.sources import RawTable

_PIECES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\?""")


def marked(sql: str, mark: Callable[[int], str]) -> str:
    """SQL with its markers `?` written otherwise: `mark` gives the one of a number, counted from 0.

    What is quoted is left alone, and so are comments.

    >>> print(marked('SELECT "what?" FROM t WHERE a = ? AND b <> \\'?\\' AND c = ?', lambda n: f"${n + 1}"))
    SELECT "what?" FROM t WHERE a = $1 AND b <> '?' AND c = $2
    """
    number = -1

    def written(found: re.Match[str]) -> str:
        nonlocal number
        if found[0] != "?":
            return found[0]
        number += 1
        return mark(number)

    return _PIECES.sub(written, sql)


class Remote(ABC):
    """An engine that is not DuckDB: see `callkit.engine.Engine` for what each method promises.

    `place` is where its tables are kept, empty for tables that pass away when it is closed.
    """

    types: Mapping[str, str] = {"VARCHAR": "VARCHAR", "DOUBLE": "DOUBLE"}
    bits = False
    place: str

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]: ...

    @abstractmethod
    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame: ...

    def arrays(self, width: int, sql: str, parameters: Sequence[object] = ()) -> list[npt.NDArray[np.generic]]:
        import numpy as np

        frame = self.frame(sql, parameters)
        if frame.shape[1] != width:  # without rows some engines give no columns
            return [np.zeros(0)] * width
        return [frame.iloc[:, i].to_numpy() for i in range(width)]

    @abstractmethod
    def create(self, table: str, sql: str, parameters: Sequence[object] = (), *, passing: bool = False) -> None: ...

    @abstractmethod
    def bring(self, table: str, gate: DuckDB, name: str, *, passing: bool = False) -> None:
        """Makes a table of a DuckDB table's rows, whatever their number."""

    @abstractmethod
    def raw(self, where: str) -> dict[str, RawTable]:
        """The raw tables that lie at `where` in the engine, by name; see `[engine] tables`."""

    @property
    @abstractmethod
    def reading(self) -> Reading:
        """How its own tables are read."""

    @abstractmethod
    def drop(self, *tables: str) -> None: ...

    @abstractmethod
    def has(self, table: str) -> bool: ...

    @abstractmethod
    def without(self, table: str, column: str) -> None: ...

    @abstractmethod
    def month(self, local_us: str) -> str: ...

    @abstractmethod
    def lowered(self, text: str) -> str: ...

    @abstractmethod
    def discard(self, place: str) -> None:
        """Lets go of a place with all its tables; one that is not there is no error."""

    @abstractmethod
    def close(self) -> None: ...

    def take(self, gate: DuckDB) -> None:
        """Brings in the checked tables of a gate that read files."""
        for name in CONTRACT:
            self.bring(f"{PREFIX}{name}", gate, f"{PREFIX}{name}", passing=True)

    def define(
        self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[object]], *, passing: bool = False
    ) -> None:
        gate = DuckDB()
        try:
            gate.define(table, columns, rows)
            self.bring(table, gate, table, passing=passing)
        finally:
            gate.close()

    def distinct(self, table: str, columns: Sequence[str]) -> int:
        listed = ", ".join(map(quoted, columns))
        return int(self.query(f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {table}) AS kinds")[0][0])


def columns_of(gate: DuckDB, name: str) -> dict[str, str]:
    """The columns of a DuckDB table with their types."""
    return {row[0]: row[1] for row in gate.query(f"DESCRIBE SELECT * FROM {name}")}


def carried(gate: DuckDB, name: str, form: str) -> tempfile.TemporaryDirectory[str]:
    """A folder with one file `table` that holds a DuckDB table; `form` is how COPY writes it."""
    folder = tempfile.TemporaryDirectory(prefix="callkit-")
    path = str(Path(folder.name) / "table").replace("'", "''")
    gate.query(f"COPY (SELECT * FROM {name}) TO '{path}' ({form})")
    return folder
