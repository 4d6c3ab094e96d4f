"""Tailing: what was added to files since they were read, where they still begin with what was read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

TAILED = ("calls", "stage_changes")
"""The tables whose files are read on from where they ended."""
LEAST_BYTES = 8 << 20
"""The least size of their files for which a store keeps what it takes to grow: smaller ones are soon built whole."""
_CHUNK = 1 << 20


class Whole(Exception):  # noqa: N818 - nothing is wrong where it is raised
    """Why a store cannot grow to what its files are now, in words that go on after "built whole:"."""


@dataclass(frozen=True)
class Mark:
    """How far a file was read: its size, the CRC-32 of so many bytes, and whether they end a line.

    An edit is missed once in four billion times; a digest that cannot be forged would cost three times as much.
    """

    size: int
    crc: int
    ended: bool


def marks(source: Path) -> dict[str, Mark]:
    """Marks of the tailed tables' files as they are; none where a store of the source does not grow.

    That is so of workbooks, of Parquet files, and of files so small that building whole takes a second.
    """
    paths = {name: source / f"{name}.csv" for name in TAILED}
    if not all(path.is_file() for path in paths.values()):
        return {}
    if sum(path.stat().st_size for path in paths.values()) < LEAST_BYTES:
        return {}
    return {name: _marked(path) for name, path in paths.items()}


def _marked(path: Path) -> Mark:
    with path.open("rb") as file:
        return _read(file, path.stat().st_size)


def _read(file: BinaryIO, size: int) -> Mark:
    crc, done, last = 0, 0, b""
    while done < size and (chunk := file.read(min(_CHUNK, size - done))):
        crc, done, last = zlib.crc32(chunk, crc), done + len(chunk), chunk[-1:]
    return Mark(done, crc, last == b"\n")


def read_on(source: Path, before: Mapping[str, Mark], room: Path) -> dict[str, Mark]:
    """Writes into the folder `room` the tailed tables' lines after their marks, and gives the marks of now.

    Raises Whole where a file does not continue what it was.
    """
    room.mkdir(parents=True, exist_ok=True)

    def one(name: str) -> Mark:
        path, mark = source / f"{name}.csv", before[name]
        if not path.is_file():
            raise Whole(f"{path.name} is not there any more")
        with path.open("rb") as file, (room / path.name).open("wb") as tail:
            header = file.readline()
            file.seek(0)
            if _read(file, mark.size) != mark:
                raise Whole(f"{path.name} does not continue the file that the store was made of")
            tail.write(header)
            return _continued(file, tail, mark, header)

    with ThreadPoolExecutor() as files:
        return dict(zip(before, files.map(one, before), strict=True))


def _continued(file: BinaryIO, tail: BinaryIO, mark: Mark, header: bytes) -> Mark:
    size, crc, ended, returns, lines = mark.size, mark.crc, mark.ended, 0, 0
    while chunk := file.read(_CHUNK):
        if size == mark.size and not mark.ended:
            ending = b"\r\n" if header.endswith(b"\r\n") else b"\n"
            if not chunk.startswith(ending):
                raise Whole(f"the last line of {Path(file.name).name} was not at its end")
            tail.write(chunk[len(ending) :])
        else:
            tail.write(chunk)
        size, crc, ended = size + len(chunk), zlib.crc32(chunk, crc), chunk.endswith(b"\n")
        returns, lines = returns + chunk.count(b"\r"), lines + chunk.count(b"\n")
    if returns != (lines if header.endswith(b"\r\n") else 0):
        raise Whole(f"lines of {Path(file.name).name} do not end alike")
    return Mark(size, crc, ended)
