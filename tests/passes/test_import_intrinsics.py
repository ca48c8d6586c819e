"""Libraries of instructions that a package ships but that are none."""

import pytest
from parse import parse_module
from xdsl.context import Context

from analysis.errors import UserError
from analysis.extensions import entries
from passes.te.import_intrinsics import GROUP, ImportIntrinsicsPass


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with three libraries: one that does not parse, one of constants, one that lies."""
    folder = tmp_path / "shipped_libraries"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "broken.mlir").write_text("te.intrinsic @f (")
    (folder / "constants.mlir").write_text("%c = arith.constant 1 : i32")
    (folder / "scalar.mlir").write_text(
        'te.intrinsic @f () { %z = arith.constant 0.0 : f32 te.yield %z : f32 } lower compute "f"'
    )
    info = tmp_path / "libraries-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: libraries\nVersion: 1.0\n")
    lines = [f"{name} = shipped_libraries:{name}.mlir" for name in ("broken", "constants")]
    lines += ["scalar = shipped_libraries:scalar.mlir", "absent = shipped_libraries:absent.mlir"]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
    monkeypatch.syspath_prepend(tmp_path)
    entries.cache_clear()
    yield
    monkeypatch.undo()
    entries.cache_clear()


@pytest.mark.parametrize(
    ("library", "first", "rest"),
    [
        ("broken", "import-intrinsics: library 'broken' is not valid", "broken:1:"),
        ("scalar", "import-intrinsics: library 'scalar' is not valid", "yields f32, which is no"),
        (
            "constants",
            "import-intrinsics: library 'constants' holds arith.constant; a library ",
            "",
        ),
        ("absent", "the package libraries adds 'absent' to dovetail.intrinsics, but ", ""),
    ],
)
def test_refused(package, library, first, rest):
    module = parse_module("builtin.module {}")
    with pytest.raises(UserError) as refused:
        ImportIntrinsicsPass(library).apply(Context(), module)
    message, *details = str(refused.value).split("\n")
    assert message.startswith(first) and rest in "\n".join(details)
    assert not list(module.ops)
