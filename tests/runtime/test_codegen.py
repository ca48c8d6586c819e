"""Machine code from LLVM IR, and the cache that keeps it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from analysis.errors import UserError
from backends.llvm.cache import ObjectCache, default_folder, entry_key
from backends.llvm.host import host_target, is_x86
from backends.llvm.machine import CodeGenerator
from dialects.target import Target

FMA = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define void @f(ptr %a) {
  %slot = alloca <16 x float>, align 64
  %x = load <16 x float>, ptr %a, align 4
  store <16 x float> %x, ptr %slot, align 64
  %y = load <16 x float>, ptr %slot, align 64
  %z = call <16 x float> @llvm.fma.v16f32(<16 x float> %y, <16 x float> %y, <16 x float> %x)
  store <16 x float> %z, ptr %a, align 4
  ret void
}
"""


def answer(number: int) -> str:
    return f"define i32 @answer() {{\n  ret i32 {number}\n}}\n"


@pytest.mark.skipif(not is_x86(), reason="names x86-64 processors")
def test_code_is_for_the_named_processor():
    wide = CodeGenerator.of(Target.parse("llvm -mcpu=skylake-avx512 -mattr=-prefer-256-bit"))
    narrow = CodeGenerator.of(Target.parse("llvm -mcpu=x86-64-v3"))
    assert "zmm" in wide.assembly(FMA) and "vfmadd" in wide.assembly(FMA)
    assert "zmm" not in narrow.assembly(FMA) and "ymm" in narrow.assembly(FMA)


def test_sroa_runs_unless_it_is_left_out():
    cpu = CodeGenerator.of(host_target()).cpu
    stack = CodeGenerator(cpu, passes=()).object_code(FMA)
    registers = CodeGenerator(cpu).object_code(FMA)
    assert len(registers) < len(stack)


def test_a_parsed_module_is_left_as_it_is():
    generator = CodeGenerator.of(host_target())
    module = llvm.parse_assembly(FMA)
    before = str(module)
    assert generator.object_code(module) == generator.object_code(FMA)
    assert str(module) == before


def test_errors():
    with pytest.raises(UserError, match=r"no LLVM pass 'sora' is offered: did you mean sroa\?"):
        CodeGenerator("x86-64", passes=("sora",))
    with pytest.raises(UserError, match="target 'vta -config=x' is no CPU"):
        CodeGenerator.of(Target.parse("vta -config=x"))


def test_key_depends_on_everything():
    keys = {
        entry_key(CodeGenerator("a"), "ir"),
        entry_key(CodeGenerator("b"), "ir"),
        entry_key(CodeGenerator("a", "+x"), "ir"),
        entry_key(CodeGenerator("a", passes=()), "ir"),
        entry_key(CodeGenerator("a"), "ir2"),
    }
    assert len(keys) == 5


def test_second_compile_reads_the_cache(tmp_path, monkeypatch):
    generator = CodeGenerator.of(host_target())
    first = ObjectCache(tmp_path / "new").compile(generator, FMA)
    monkeypatch.setattr(CodeGenerator, "object_code", lambda *_: pytest.fail("compiled again"))
    assert ObjectCache(tmp_path / "new").compile(generator, FMA) == first


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_entry_is_compiled_again(tmp_path, damage):
    generator, cache = CodeGenerator.of(host_target()), ObjectCache(tmp_path)
    first = cache.compile(generator, FMA)
    (entry,) = tmp_path.iterdir()
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    new = {"flip": bytes(data), "truncate": bytes(data[:-9]), "empty": b""}[damage]
    entry.write_bytes(new)
    assert cache.get(entry.name) is None
    assert cache.compile(generator, FMA) == first
    assert cache.get(entry.name) == first


def test_the_oldest_entries_go_first(tmp_path):
    cache = ObjectCache(tmp_path, limit=1000)
    now = time.time()
    for i in range(10):
        cache.put(f"k{i}", bytes(268))
        if (tmp_path / f"k{i}").exists():
            os.utime(tmp_path / f"k{i}", (now - 100 + i, now - 100 + i))
        if i == 3:
            assert cache.get("k1") is not None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["k1", "k8", "k9"]


def test_what_a_killed_writer_left_is_removed(tmp_path):
    old, new = tmp_path / ".a.1.tmp", tmp_path / ".b.2.tmp"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1, 1))
    ObjectCache(tmp_path).evict()
    assert new.exists() and not old.exists()


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    generator = CodeGenerator.of(host_target())
    cache = ObjectCache(tmp_path / "file" / "cache")
    assert cache.compile(generator, answer(1)) == generator.object_code(answer(1))


def test_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "dovetail"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_folder() == Path("/home/someone/.cache/dovetail")


WRITER = """
import sys
from pathlib import Path
from backends.llvm.cache import ObjectCache
cache = ObjectCache(Path(sys.argv[1]), limit=60_000)
for i in range(400):
    key = f"k{i % 7}"
    content = key.encode() * 5000
    found = cache.get(key)
    assert found in (None, content), "a reader saw part of an entry"
    cache.put(key, content)
"""


def test_concurrent_writers(tmp_path):
    """Processes that write, read and evict the same entries never see a part of one."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    errors = [writer.communicate()[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], errors
    assert errors == ["", "", ""]
    assert not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".*.tmp"))
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 80_000
