"""Small networks in hand-written LLVM IR that follow the kernel ABI, and what they compute."""

import numpy as np

from backends.llvm.host import generated, host_target
from backends.llvm.machine import CodeGenerator
from backends.llvm.probe import host_features, initialize
from dovetail.program import CompiledModel
from dovetail.runtime import Kernel, Tensor

ABI = "ptr %buffers, ptr %dims, ptr %workspace, i32 %tid, i32 %nthreads"


def elementwise(name: str, body: str) -> str:
    """A kernel: `body`, which stores element %i of %y, on its thread's part of %n elements."""
    return f"""
define internal void @{name}(ptr %x, ptr %w, ptr %y, i64 %n, i32 %tid, i32 %nthreads) {{
entry:
  %t = sext i32 %tid to i64
  %p = sext i32 %nthreads to i64
  %t1 = add i64 %t, 1
  %tn = mul i64 %t, %n
  %tn1 = mul i64 %t1, %n
  %begin = sdiv i64 %tn, %p
  %end = sdiv i64 %tn1, %p
  br label %check
check:
  %i = phi i64 [ %begin, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %end
  br i1 %more, label %body, label %done
body:
{body}
  %next = add i64 %i, 1
  br label %check
done:
  ret void
}}
"""


def load(name: str, base: str, index: str, kind: str = "float") -> str:
    return f"""  %{name}_at = getelementptr {kind}, ptr %{base}, i64 %{index}
  %{name} = load {kind}, ptr %{name}_at, align 4"""


def store(value: str) -> str:
    return f"""  %y_at = getelementptr float, ptr %y, i64 %i
  store float %{value}, ptr %y_at, align 4"""


def buffer(number: int) -> str:
    return f"""  %b{number}_at = getelementptr ptr, ptr %buffers, i64 {number}
  %b{number} = load ptr, ptr %b{number}_at"""


def exports(workspace: str, shapes: str) -> str:
    return f"""
define i64 @network_workspace_bytes(ptr %dims, i32 %nthreads) {{
{workspace}
}}
define void @network_output_shapes(ptr %dims, ptr %out) {{
{shapes}
  ret void
}}
"""


def store_extents(*values: str) -> str:
    return "\n".join(
        f"  %o{i} = getelementptr i64, ptr %out, i64 {i}\n  store i64 {value}, ptr %o{i}"
        for i, value in enumerate(values)
    )


def compiled(ir: str, **fields) -> CompiledModel:
    target = host_target()
    generator = CodeGenerator.of(target)
    return CompiledModel(
        object_code=generator.object_code(ir),
        entry="network",
        cpu=generator.cpu,
        features=tuple(generated(host_features())),
        **fields,
    )


def axpy(n: int = 1000, output: str = "y") -> CompiledModel:
    """y = x * w + x, with a weight w."""
    initialize()
    body = "\n".join(
        [
            load("a", "x", "i"),
            load("b", "w", "i"),
            "  %m = fmul float %a, %b",
            "  %s = fadd float %m, %a",
            store("s"),
        ]
    )
    network = f"""
define i32 @network({ABI}) {{
{buffer(0)}
{buffer(1)}
{buffer(2)}
  call void @axpy(ptr %b0, ptr %b1, ptr %b2, i64 {n}, i32 %tid, i32 %nthreads)
  ret i32 0
}}
"""
    return compiled(
        elementwise("axpy", body) + network + exports("  ret i64 128", store_extents(str(n))),
        inputs=(Tensor("x", "float32", (n,)),),
        outputs=(Tensor(output, "float32", (n,)),),
        weights=(axpy_weight(n),),
        kernels=(Kernel("axpy"),),
        calls=(0,),
    )


def axpy_weight(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(-8, 8, n).astype(np.float32)


def mirror(n: int = 1003, rounds: int = 1) -> CompiledModel:
    """Two kernels and a barrier, `rounds` times: t = 2 x, then y[i] = t[n - 1 - i] + x[i].

    Each thread reads what others wrote to the arena, which begins at byte 128 of the workspace;
    t is spoiled after each round.
    """
    double = "\n".join([load("a", "x", "i"), "  %s = fadd float %a, %a", store("s")])
    mirrored = "\n".join(
        [
            "  %last = sub i64 %n, 1",
            "  %j = sub i64 %last, %i",
            load("a", "x", "j"),
            load("b", "w", "i"),
            "  %s = fadd float %a, %b",
            store("s"),
        ]
    )
    spoil = store("c").replace("%c", "-1.0")
    part = f"i64 {n}, i32 %tid, i32 %nthreads"
    barrier = "  call void @dovetail_barrier(ptr %workspace, i32 %nthreads)"
    steps = {
        0: f"  call void @double(ptr %b0, ptr %b0, ptr %arena, {part})",
        1: f"  call void @mirrored(ptr %arena, ptr %b0, ptr %b1, {part})",
    }
    spoiled = f"  call void @spoil(ptr %b0, ptr %b0, ptr %arena, {part})"
    begin = f"""{buffer(0)}
{buffer(1)}
  %arena = getelementptr i8, ptr %workspace, i64 128"""
    once = [spoiled, barrier, steps[0], barrier, steps[1], barrier]
    network = f"""
define i32 @network({ABI}) {{
{begin}
{chr(10).join(once * rounds)}
  ret i32 0
}}
define i32 @network_step({ABI}, i32 %step) {{
{begin}
  switch i32 %step, label %wrong [ i32 0, label %zero
                                   i32 1, label %one ]
wrong:
  ret i32 7
zero:
{steps[0]}
  ret i32 0
one:
{steps[1]}
  ret i32 0
}}
"""
    kernels = elementwise("double", double) + elementwise("mirrored", mirrored)
    kernels += elementwise("spoil", spoil)
    initialize()
    return compiled(
        kernels
        + network
        + "declare void @dovetail_barrier(ptr, i32)\n"
        + exports(f"  ret i64 {128 + 4 * n}", store_extents(str(n))),
        inputs=(Tensor("x", "float32", (n,)),),
        outputs=(Tensor("y", "float32", (n,)),),
        kernels=(Kernel("double"), Kernel("mirrored")),
        calls=(0, 1),
    )


def mirror_result(x: np.ndarray) -> np.ndarray:
    return (2 * x)[::-1] + x


def add_rows(columns: int = 4, rows: str = "n") -> CompiledModel:
    """y[i, j] = x[i, j] + b[i] for x of (n, columns) and b of (n).

    The output calls its number of rows `rows`, and the code tells how many these are.
    """
    body = "\n".join(
        [
            f"  %row = sdiv i64 %i, {columns}",
            load("a", "x", "i"),
            load("b", "w", "row"),
            "  %s = fadd float %a, %b",
            store("s"),
        ]
    )
    network = f"""
define i32 @network({ABI}) {{
{buffer(0)}
{buffer(1)}
{buffer(2)}
  %rows = load i64, ptr %dims
  %n = mul i64 %rows, {columns}
  call void @add(ptr %b0, ptr %b1, ptr %b2, i64 %n, i32 %tid, i32 %nthreads)
  ret i32 0
}}
"""
    workspace = """  %n = load i64, ptr %dims
  %size = add i64 %n, 128
  ret i64 %size"""
    shapes = "  %n = load i64, ptr %dims\n" + store_extents("%n", str(columns))
    return compiled(
        elementwise("add", body) + network + exports(workspace, shapes),
        inputs=(Tensor("x", "float32", ("n", columns)), Tensor("b", "float32", ("n",))),
        outputs=(Tensor("y", "float32", (rows, columns)),),
        dims=("n",),
        kernels=(Kernel("add"),),
        calls=(0,),
    )


def failing(error: int) -> CompiledModel:
    """A network that stops with an error number."""
    network = f"define i32 @network({ABI}) {{\n  ret i32 {error}\n}}\n"
    return compiled(
        network + exports("  ret i64 128", ""),
        inputs=(),
        outputs=(),
    )
