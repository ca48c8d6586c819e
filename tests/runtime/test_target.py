"""Targets: their text, what LLVM says they mean, and this machine as one."""

import llvmlite.binding as llvm
import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr

from analysis.errors import UserError
from backends.llvm.host import cache_sizes, features_of, generated, host_target, is_x86
from backends.llvm.probe import cpu_features, host_features, initialize
from dialects.target import Target, TargetAttr, target_of

x86 = pytest.mark.skipif(not is_x86(), reason="names x86-64 processors")


@pytest.mark.parametrize(
    "text",
    [
        "llvm -mcpu=skylake-avx512",
        "llvm -mcpu=znver5 -mattr=+avx512vnni,-clwb -num-threads=3 -l2=1048576",
        "vta -config=a.json",
    ],
)
def test_text_reads_back(text: str):
    assert str(Target.parse(text)) == text
    assert TargetAttr.of(Target.parse(text)).target == Target.parse(text)


def test_having_replaces_and_removes():
    target = Target.parse("llvm -mcpu=a -num-threads=3")
    assert str(target.having(num_threads=None, l1=7)) == "llvm -mcpu=a -l1=7"
    assert target.number("num-threads") == 3


def test_module_without_target_shows_the_syntax():
    with pytest.raises(UserError, match="the module has no target: give dovetail-opt --set-t"):
        target_of(ModuleOp([]))
    module = ModuleOp([], {"target": StringAttr("llvm")})
    with pytest.raises(UserError, match=r"the module's target is \"llvm\", not"):
        target_of(module)


def test_host_target_uses_only_what_this_machine_has():
    target = host_target(threads=2)
    assert target.get("mcpu") == llvm.get_host_cpu_name()
    assert target.machine.cores == 2
    assert generated(features_of(target)) == generated(host_features())
    assert target.machine.l1_bytes <= target.machine.l2_bytes


@x86
@pytest.mark.parametrize(
    ("text", "vector_bytes", "registers", "has", "lacks"),
    [
        ("llvm -mcpu=x86-64", 16, 16, "sse2", "avx"),
        ("llvm -mcpu=x86-64-v3", 32, 16, "fma", "avx512f"),
        ("llvm -mcpu=skylake-avx512", 64, 32, "avx512bw", "avx512vnni"),
        ("llvm -mcpu=sapphirerapids", 64, 32, "amx-tile", "sse4a"),
        ("llvm -mcpu=skylake-avx512 -mattr=-avx512f", 32, 16, "avx2", "avx512bw"),
        ("llvm -mcpu=x86-64 -mattr=+avx2", 32, 16, "avx", "fma"),
    ],
)
def test_llvm_says_what_a_cpu_has(text, vector_bytes, registers, has, lacks):
    machine = Target.parse(text).machine
    assert (machine.vector_bytes, machine.vector_registers) == (vector_bytes, registers)
    assert has in machine.features and lacks not in machine.features
    assert machine.scope("register").capacity == vector_bytes * registers


def test_features_of_the_host_cpu_include_what_was_detected():
    """The probe agrees with LLVM's own detection, which reads the processor."""
    initialize()
    assert generated(host_features()) <= cpu_features(llvm.get_host_cpu_name()) | {"64bit"}


@x86
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("llvm", "target 'llvm' names no CPU: write llvm -mcpu=NAME"),
        ("llvm -mcpu=znver55", "LLVM knows no CPU 'znver55': did you mean znver5?"),
        ("llvm -mcpu=i386", "LLVM cannot compile for the CPU 'i386': LLVM ERROR: 64-bit code"),
        ("llvm -mcpu=x86-64 -mattr=+avx3", "LLVM knows no feature 'avx3': did you mean avx"),
        ("vta -config=x", "'x' is no vta configuration; one is written 1x16_i8w8a32_15_15_18_17"),
        ("vta -config=x.json", "cannot read x.json: No such file or directory"),
    ],
)
def test_what_llvm_does_not_know(text: str, message: str):
    with pytest.raises(UserError) as caught:
        _ = Target.parse(text).machine
    assert message in caught.value.message
    assert text in caught.value.message


def test_unknown_scope_lists_the_scopes():
    with pytest.raises(UserError, match=r"no memory scope 'registers': did you mean register\?"):
        host_target().machine.scope("registers")


def test_caches_are_read_from_the_system(tmp_path):
    for i, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("2", "Unified", "2M"), ("3", "x", "")]
    ):
        folder = tmp_path / f"index{i}"
        folder.mkdir()
        (folder / "level").write_text(level + "\n")
        (folder / "type").write_text(kind + "\n")
        (folder / "size").write_text(size + "\n")
    (tmp_path / "index9").mkdir()
    assert cache_sizes(tmp_path) == {"l1": 48 << 10, "l2": 2 << 20}
    assert cache_sizes(tmp_path / "missing") == {}
