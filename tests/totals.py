"""Writes the one checked total into each section notebook: `python tests/totals.py`. Everything else stays stripped."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # a second of CPU that nothing here needs

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def main() -> None:
    """Runs every section on the demo company and keeps the output of its cell tagged `keep_output`."""
    warnings.simplefilter("ignore")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if not any("keep_output" in cell.metadata.get("tags", []) for cell in notebook.cells):
            continue
        NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.metadata.pop("execution", None)
                # nbval wants the count of a cell whose output it compares; nothing else may change from run to run.
                if "keep_output" not in cell.metadata.get("tags", []):
                    cell.execution_count, cell.outputs = None, []
        notebook.metadata.pop("widgets", None)
        notebook.metadata["language_info"] = {"name": "python"}
        path.write_text(nbformat.writes(notebook, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
