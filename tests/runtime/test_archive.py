"""`.dove` files: what they hold, loading without the compiler, and every kind of damage."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from llvm_networks import add_rows, axpy, axpy_weight, mirror, mirror_result

from analysis.errors import UserError
from analysis.files import atomic_file
from dovetail.program import CompiledModel
from dovetail.runtime import library, load
from dovetail.runtime.buffers import address
from dovetail.runtime.features import missing_features

needs_linker = pytest.mark.skipif(
    library.link_shared(axpy().object_code) is None, reason="there is no system linker"
)


@pytest.fixture(scope="module")
def model() -> CompiledModel:
    return axpy()


@pytest.fixture
def dove(model, tmp_path) -> Path:
    model.save(tmp_path / "net.dove")
    return tmp_path / "net.dove"


def rewrite(path: Path, **changes: bytes | None) -> None:
    """Write the archive again with these entries replaced (None: left out); the zip is sound."""
    with zipfile.ZipFile(path) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    entries.update({name.replace("__", "."): data for name, data in changes.items()})
    with zipfile.ZipFile(path, "w") as new:
        for name, data in entries.items():
            if data is not None:
                new.writestr(name, data)


def with_manifest(path: Path, **changes: object) -> None:
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest.update(changes)
    rewrite(path, manifest__json=json.dumps(manifest).encode())


def message(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("linked", [True, False])
def test_saved_programs_run(tmp_path, threads, linked, monkeypatch):
    if not linked:
        monkeypatch.setattr("dovetail.program.link_shared", lambda code: None)
    x, b = np.arange(1003, dtype=np.float32), np.arange(5, dtype=np.float32)
    mirror().save(tmp_path / "mirror.dove")
    result = load(tmp_path / "mirror.dove", threads).run({"x": x})["y"]
    np.testing.assert_array_equal(result, mirror_result(x))
    add_rows().save(tmp_path / "add.dove")
    rows = x[:20].reshape(5, 4)
    result = load(str(tmp_path / "add.dove"), threads).run([rows, b])["y"]
    np.testing.assert_array_equal(result, rows + b[:, None])


def test_weights_of_every_type_are_mapped_aligned_and_read_only(tmp_path, model):
    rng = np.random.default_rng(0)
    weights = (
        rng.standard_normal((3, 5)).astype(np.float32),
        np.array(True),
        np.zeros((0, 4), np.float64),
        np.arange(-9, 8, dtype=np.int8)[::2],
        rng.standard_normal((2, 3, 7)).astype(np.float16),
    )
    fields = {name: getattr(model, name) for name in ("object_code", "entry", "cpu", "features")}
    CompiledModel(**fields, inputs=(), outputs=(), weights=weights).save(tmp_path / "w.dove")
    loaded = load(tmp_path / "w.dove")._weights
    for given, found in zip(weights, loaded, strict=True):
        np.testing.assert_array_equal(found, given)
        assert found.dtype == given.dtype and address(found) % 64 == 0
        assert found.size == 0 or not found.flags.writeable
        assert found.size == 0 or not found.flags.owndata


def test_the_file_is_plain_data(dove):
    with zipfile.ZipFile(dove) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        weights = archive.read("weights.bin")
    assert set(names) <= {"manifest.json", "library.so", "program.o", "weights.bin"}
    assert manifest["format"] == 1
    assert manifest["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1000]}]
    assert manifest["kernels"] == [{"name": "axpy", "device": "cpu"}]
    assert manifest["architecture"] == platform.machine()
    np.testing.assert_array_equal(np.frombuffer(weights, np.float32), axpy_weight(1000))


def test_saving_twice_gives_the_same_file(model, dove, tmp_path):
    model.save(tmp_path / "again.dove")
    assert (tmp_path / "again.dove").read_bytes() == dove.read_bytes()


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocker())
from dovetail.runtime import load
import numpy as np
x = np.arange(1000, dtype=np.float32)
y = load(sys.argv[1], threads=2).run([x])["y"]
print(y.sum())
assert not {"backends", "dialects", "passes", "tuner", "vta"} & set(sys.modules)
"""


def run_blocked(path: Path, *blocked: str) -> subprocess.CompletedProcess[str]:
    script = BLOCKED.replace("{blocked}", repr(set(blocked)))
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


COMPILER = ("xdsl", "onnx", "islpy", "llvmlite", "sklearn", "rich")


@needs_linker
def test_loads_without_the_compilers_packages(dove):
    done = run_blocked(dove, *COMPILER)
    x = np.arange(1000, dtype=np.float32)
    assert done.stderr == ""
    assert float(done.stdout) == (x * axpy_weight(1000) + x).sum()


def test_without_a_linker_llvmlite_is_enough(dove):
    rewrite(dove, library__so=None)
    done = run_blocked(dove, *(name for name in COMPILER if name != "llvmlite"))
    assert done.stderr == "" and done.stdout
    done = run_blocked(dove, *COMPILER)
    last = done.stderr.splitlines()[-1]
    assert last.endswith(
        f"{dove}: it holds an object file but no shared library for this system, and llvmlite, "
        "which could link it, is not installed"
    )


def test_files_that_are_no_archives(tmp_path):
    assert message(tmp_path / "missing.dove") == "there is no such file"
    assert message(tmp_path) == "cannot be read: Is a directory"
    (tmp_path / "text.dove").write_text("hello")
    assert message(tmp_path / "text.dove") == "it is not a .dove file, or it is truncated"
    with zipfile.ZipFile(tmp_path / "empty.dove", "w"):
        pass
    assert message(tmp_path / "empty.dove") == "it is damaged: it has no manifest.json"


def test_every_truncation_is_found(dove):
    data = dove.read_bytes()
    for size in range(0, len(data), max(1, len(data) // 50)):
        dove.write_bytes(data[:size])
        assert message(dove) == "it is not a .dove file, or it is truncated"


def test_every_flipped_byte_is_harmless_or_found(dove):
    """A flip in a name's padding or a time changes nothing; any other is one line."""
    data, x = dove.read_bytes(), np.arange(1000, dtype=np.float32)
    found = 0
    for position in range(0, len(data), 61):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        dove.write_bytes(damaged)
        try:
            program = load(dove, 1)
        except UserError as error:
            assert str(error).startswith(f"{dove}: it") and "\n" not in str(error)
            found += 1
        else:
            result = program.run([x])["y"]
            np.testing.assert_array_equal(result, x * axpy_weight(1000) + x)
    assert found > 0.9 * len(range(0, len(data), 61))


def test_damaged_content_names_the_entry(dove):
    data = bytearray(dove.read_bytes())
    data[data.index(axpy_weight(1000).tobytes()) + 7] ^= 1
    dove.write_bytes(data)
    assert message(dove) == "it is damaged: the checksum of weights.bin is wrong"


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:evil"])
def test_names_that_escape(dove, name):
    with zipfile.ZipFile(dove, "a") as archive:
        archive.writestr(name, b"x")
    assert message(dove) == f"its entry {name!r} escapes from the archive"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name(dove):
    with zipfile.ZipFile(dove, "a") as archive:
        archive.writestr("program.o", b"x")
    assert message(dove) == "it is damaged: it has two entries 'program.o'"


def test_compressed_entries(dove):
    with zipfile.ZipFile(dove, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10_000))
    assert message(dove) == "it is damaged: its entry 'bomb' is compressed"


def test_missing_entries(dove, model):
    rewrite(dove, weights__bin=None)
    assert message(dove) == "it is damaged: it has no weights.bin"
    model.save(dove)
    rewrite(dove, library__so=None, program__o=None)
    assert message(dove) == "it holds no code"


@needs_linker
def test_a_library_that_is_none(dove):
    rewrite(dove, library__so=b"nonsense")
    assert message(dove).startswith("its shared library cannot be loaded: ")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": 2}, "its format is 2, this version of Dovetail reads 1"),
        ({"format": None}, "its format is None, this version of Dovetail reads 1"),
        ({"entry": 3}, "manifest.json: 'entry' must be a text, not 3"),
        ({"entry": "other"}, "its code has no function 'other'"),
        ({"inputs": {}}, "manifest.json: 'inputs' must be a list, not {}"),
        ({"inputs": [1]}, "manifest.json: 'inputs' must be an object, not 1"),
        ({"dims": [1]}, "manifest.json: 'dims' must be a text, not 1"),
        ({"calls": [-1]}, "manifest.json: 'calls' must be a whole number, not -1"),
        ({"calls": [1]}, "a call of kernel 1 of 1"),
        (
            {"outputs": [{"name": "y", "dtype": "float31", "shape": [1000]}]},
            "no element type is called 'float31'",
        ),
        (
            {"weights": [{"dtype": "float32", "shape": [1000], "offset": 64}]},
            "it is damaged: a weight at byte 64 of weights.bin",
        ),
        ({"architecture": "vax"}, f"it is compiled for vax, this machine is {platform.machine()}"),
        (
            {"features": ["64bit", "avx1024", "sse2"]},
            "it needs a processor with avx1024, which this one lacks",
        ),
    ],
)
def test_manifests(dove, changes, expected):
    with_manifest(dove, **changes)
    assert message(dove) == expected


def test_a_manifest_that_is_not_json(dove):
    rewrite(dove, manifest__json=b"{")
    assert message(dove).startswith("manifest.json is not JSON: ")
    rewrite(dove, manifest__json=b"\xff")
    assert message(dove).startswith("it is damaged: 'utf-8' codec can't decode")


def test_features_under_the_kernels_names(tmp_path):
    """As LLVM and as Linux write the same features."""
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nflags\t\t: lm pni sse4_1 abm bmi1 avx512_vnni amx_tile\n\n")
    features = ["64bit", "sse3", "sse4.1", "lzcnt", "bmi", "avx512vnni", "amx-tile", "fma"]
    assert missing_features(features, file) == ["fma"]
    file.write_text("no such line\n")
    assert missing_features(features, file) == []
    assert missing_features(features, tmp_path / "missing") == []


def test_saving_where_nobody_can(model, tmp_path):
    with pytest.raises(UserError) as caught:
        model.save(tmp_path / "no" / "net.dove")
    assert str(caught.value) == f"cannot write {tmp_path}/no/net.dove: No such file or directory"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    path.chmod(0o644)
    with atomic_file(path) as file:
        file.write(b"new")
    umask = os.umask(0)
    os.umask(umask)
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_devices_and_pipes_are_written_into(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    try:
        with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
            file.write(b"half")
            raise ZeroDivisionError
        with atomic_file(path) as file:
            file.write(b"whole")
        assert path.is_fifo()
        assert os.read(end, 100) == b"whole"
    finally:
        os.close(end)


def test_links_are_followed(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    with atomic_file(link) as file:
        file.write(b"new")
    assert link.is_symlink() and path.read_bytes() == b"new"
    assert {p.name for p in tmp_path.iterdir()} == {"file", "link"}


def test_atomic_files_where_the_system_has_no_nameless_ones(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    path = tmp_path / "file"
    with atomic_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
        raise ZeroDivisionError
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


HALF = """
import sys, time
from pathlib import Path
from analysis.files import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(bytes(1 << 20))
    file.flush()
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="needs files without a name")
def test_a_killed_writer_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", HALF, str(tmp_path / "file")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "half\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        deadline = time.monotonic() + 10
        while list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_package_of_the_same_name_is_named(tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", "import dovetail"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: the package 'analysis' at {tmp_path}/analysis/__init__.py hides Dovetail's"
    )


def test_importing_dovetail_imports_nothing_else():
    script = "import sys, dovetail; print(sorted({'numpy', 'xdsl', 'analysis'} & set(sys.modules)))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n"
