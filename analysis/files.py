"""Files that appear whole or not at all.

A file is written without a name where the system can do that (Linux: `O_TMPFILE`), else under a
temporary one, and takes its place by renaming. So a reader never sees half a file, several writers
of one path don't mix, and a writer that is killed leaves nothing behind.

Renaming would put a file in the place of a device such as /dev/null, or of a symbolic link. So what
is written to a device or a pipe goes into it, and a link is followed.
"""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO


def temporary_name(path: Path) -> Path:
    """A fresh name in the folder of `path`; such names begin with a dot and end with `.tmp`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")


@contextmanager
def atomic_file(path: Path) -> Generator[BinaryIO]:
    """A binary file to write and seek in, which becomes `path` if the block ends well.

    Raises OSError if the folder cannot be written to; then, and if the block raises, `path` is
    what it was.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with BytesIO() as content:
            yield content
            path.write_bytes(content.getvalue())
        return
    path = path.resolve()
    try:
        nameless = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except (AttributeError, OSError):
        nameless = None
    temporary = temporary_name(path)
    try:
        if nameless is None:
            with open(temporary, "x+b") as file:
                yield file
        else:
            with open(nameless, "w+b") as file:
                yield file
                file.flush()
                os.link(f"/proc/self/fd/{nameless}", temporary, src_dir_fd=0)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Make `path` hold `data`."""
    with atomic_file(path) as file:
        file.write(data)
