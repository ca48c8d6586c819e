"""Entry points of other packages: found, loaded late, refused where two packages disagree."""

import pytest

from analysis.errors import UserError
from analysis.extensions import entries, extension, extension_text


def install(folder, package, entry_points):
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_an_object_and_a_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "first_package").mkdir()
    (tmp_path / "first_package" / "__init__.py").write_text("thing = [1, 2]\n")
    (tmp_path / "first_package" / "some.mlir").write_text("// text\n")
    install(
        tmp_path,
        "first",
        "[test.found]\na.b = first_package:thing\ntext = first_package:some.mlir\n",
    )
    assert extension("test.found", "a.b") == [1, 2]
    assert extension_text("test.found", "text") == "// text\n"
    assert extension("test.found", "c") is None and extension_text("test.found", "c") is None
    assert sorted(entries("test.found")) == ["a.b", "text"]


def test_two_packages_that_add_the_same(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for package in ("second", "third"):
        install(tmp_path, package, f"[test.both]\na.b = {package}:thing\n")
    with pytest.raises(UserError) as refused:
        extension("test.both", "a.b")
    packages, rest = str(refused.value).split(" both add ")
    assert sorted(packages.split()) == ["and", "packages", "second", "the", "third"]
    assert rest == "'a.b' to test.both: uninstall one of them"


def test_a_package_that_names_what_it_does_not_have(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "fourth", "[test.broken]\na = no_such_module:thing\nb = json:none.mlir\n")
    start = "the package fourth adds '{}' to test.broken, but {} cannot be loaded: "
    with pytest.raises(UserError) as refused:
        extension("test.broken", "a")
    assert str(refused.value).startswith(start.format("a", "no_such_module:thing"))
    with pytest.raises(UserError) as refused:
        extension_text("test.broken", "b")
    assert str(refused.value).startswith(start.format("b", "json:none.mlir"))
