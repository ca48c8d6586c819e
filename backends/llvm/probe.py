"""What LLVM knows about a CPU by its name: the names there are, and the features of each.

LLVM has no call for either. The names it prints when asked for the CPU `help`. The features come
out of its inliner, which inlines a callee exactly if the caller's CPU has every feature the callee
needs: one module with a callee for each feature and a caller for the CPU answers them all at once.

LLVM ends the process when it is asked to compile for a CPU that cannot run 64-bit code, so foreign
CPUs are probed in a process of their own: `python -m backends.llvm.probe NAME` prints the features.
"""

import subprocess
import sys
from functools import cache

import llvmlite.binding as llvm

from analysis.errors import UserError, nearest


def initialize() -> None:
    """Make LLVM ready for this machine's architecture; calling it again does nothing."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _help() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of CPUs and of features that LLVM lists for this architecture."""
    ask = (
        "import llvmlite.binding as llvm; llvm.initialize_native_target();"
        "llvm.Target.from_default_triple().create_target_machine(cpu='help')"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    cpus, _, features = done.stderr.partition("Available features")
    return _names(cpus), _names(features)


def _names(listing: str) -> tuple[str, ...]:
    """The first words of the lines `  name - what it is` of `listing`."""
    lines = [line.split(" - ") for line in listing.splitlines() if line.startswith("  ")]
    return tuple(line[0].strip() for line in lines if len(line) > 1)


def known_cpus() -> tuple[str, ...]:
    """The names of the CPUs that LLVM can compile for on this architecture."""
    return _help()[0]


def check_feature(name: str) -> None:
    """Refuse a feature that LLVM does not know."""
    if name not in detectable_features() and name not in _help()[1]:
        raise UserError(f"LLVM knows no feature '{name}': {nearest(name, _help()[1])}")


@cache
def detectable_features() -> tuple[str, ...]:
    """The names of the features that LLVM can detect on this architecture, sorted."""
    return tuple(sorted(llvm.get_host_cpu_features()))


def host_features() -> frozenset[str]:
    """The features that this machine has."""
    return frozenset(name for name, there in llvm.get_host_cpu_features().items() if there)


def _feature_module(cpu: str, mattr: str, names: tuple[str, ...]) -> str:
    """A caller compiled for `cpu` and `mattr`, and for each feature a callee that needs it."""
    lines = ["define void @caller(ptr %p) #0 {"]
    lines += [f"  call void @needs{i}(ptr %p)" for i in range(len(names))]
    lines += ["  ret void", "}"]
    lines += [f'attributes #0 = {{ "target-cpu"="{cpu}" "target-features"="{mattr}" }}']
    for i, name in enumerate(names):
        lines += [
            f"define internal void @needs{i}(ptr %p) #{i + 1} {{",
            f"  store volatile i32 {i}, ptr %p",
            "  ret void",
            "}",
            f'attributes #{i + 1} = {{ "target-cpu"="generic" "target-features"="+{name}" }}',
        ]
    return "\n".join(lines)


def inlined_features(cpu: str, mattr: str) -> frozenset[str]:
    """The features of `cpu` with `mattr`, which must be a 64-bit CPU that LLVM knows."""
    initialize()
    names = detectable_features()
    machine = llvm.Target.from_default_triple().create_target_machine(cpu=cpu)
    module = llvm.parse_assembly(_feature_module(cpu, mattr, names))
    module.triple = machine.triple
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(module, builder)
    text = str(module)
    return frozenset(name for i, name in enumerate(names) if f"@needs{i}(" not in text)


@cache
def cpu_features(cpu: str, mattr: str = "") -> frozenset[str]:
    """The features that LLVM uses when it compiles for `cpu` with `mattr` (`+a,-b`)."""
    for feature in mattr.split(",") if mattr else ():
        check_feature(feature[1:])
    if cpu == llvm.get_host_cpu_name() and "-64bit" not in mattr:
        return inlined_features(cpu, mattr)
    if cpu not in known_cpus():
        raise UserError(f"LLVM knows no CPU '{cpu}': {nearest(cpu, known_cpus())}")
    command = [sys.executable, "-m", "backends.llvm.probe", cpu, mattr]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise UserError(f"LLVM cannot compile for the CPU '{cpu}': {reason}")
    return frozenset(done.stdout.split())


if __name__ == "__main__":
    print(" ".join(sorted(inlined_features(sys.argv[1], sys.argv[2]))))
