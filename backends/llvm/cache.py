"""Machine code on disk, so that what was compiled once is not compiled again.

An entry's name is the hash of all it depends on: the IR and everything that CodeGenerator.key
names. It begins with the hash of its own content, so a damaged entry is found out and compiled
again. Any number of processes may share a folder: entries appear whole (see analysis.files) and
the same name always has the same content. A folder that cannot be written to is no error, the
cache is then empty.
"""

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from analysis.files import write_atomically
from backends.llvm.machine import CodeGenerator

FORMAT = "dovetail object 1"
STALE_SECONDS = 3600.0


def default_folder() -> Path:
    """Where the user keeps caches: `$XDG_CACHE_HOME/dovetail`, else `~/.cache/dovetail`."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "dovetail"


@dataclass
class ObjectCache:
    """Object files in `folder`, at most about `limit` bytes of them; the oldest go first."""

    folder: Path = field(default_factory=default_folder)
    limit: int = 1 << 30
    _unchecked: int | None = None

    def compile(self, generator: CodeGenerator, ir: str) -> bytes:
        """The object file of the module `ir`, from the cache if it is there."""
        key = entry_key(generator, ir)
        found = self.get(key)
        if found is None:
            found = generator.object_code(ir)
            self.put(key, found)
        return found

    def get(self, key: str) -> bytes | None:
        """The content of the entry `key`, if there is one and it is undamaged."""
        path = self.folder / key
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, content = data[:32], data[32:]
        return content if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes) -> None:
        """Keep `content` as the entry `key`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / key, hashlib.sha256(content).digest() + content)
            self._bound(len(content))
        except OSError:
            return

    def _bound(self, added: int) -> None:
        """Look through the folder now and then, not at each of many small entries."""
        if self._unchecked is not None and self._unchecked + added < self.limit // 64:
            self._unchecked += added
            return
        self._unchecked = 0
        self.evict()

    def evict(self) -> None:
        """Remove the entries that were not used for longest, until the rest is within `limit`."""
        entries: list[tuple[float, int, str]] = []
        for entry in os.scandir(self.folder):
            try:
                stat = entry.stat()
                if entry.name.endswith(".tmp"):
                    if time.time() - stat.st_mtime > STALE_SECONDS:
                        os.unlink(entry.path)
                    continue
            except FileNotFoundError:
                continue
            entries.append((stat.st_mtime, stat.st_size, entry.path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.limit:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def entry_key(generator: CodeGenerator, ir: str) -> str:
    """The name of the entry for the module `ir` compiled by `generator`."""
    return hashlib.sha256(f"{FORMAT}\0{generator.key}\0{ir}".encode()).hexdigest()
