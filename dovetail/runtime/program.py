"""A compiled network that can be run.

A Program owns code and weights, which nobody writes, and no state of a run: any number of threads
may call `run` at once. The functions that the code exports are the kernel ABI:

    ENTRY(buffers, dims, workspace, tid, nthreads) -> i32     the network; 0 or an error number
    ENTRY_workspace_bytes(dims, nthreads) -> i64              barrier, arena, private parts
    ENTRY_output_shapes(dims, out)          all extents of the outputs, as i64, one after another
    ENTRY_step(buffers, dims, workspace, tid, nthreads, step) -> i32      one of the network's calls

`buffers` points to pointers (inputs, weights, outputs; each 64-byte aligned), `dims` to the i64
values of the symbolic dimensions, `workspace` to one zeroed block that the threads of the run
share and whose first 128 bytes are their barrier. `_output_shapes` is needed only if an output has
an extent that is neither a number nor a dimension of an input, `_step` only to time kernels.
"""

import ctypes
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.errors import UserError, nearest
from dovetail.runtime.buffers import (
    Array,
    Bytes,
    WorkspacePool,
    address,
    aligned,
    aligned_empty,
)
from dovetail.runtime.library import Library
from dovetail.runtime.manifest import Manifest, Tensor, shape_text, storage_dtype
from dovetail.runtime.threads import Crew, usable_cores

WORKSPACE_BYTES = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int32)
OUTPUT_SHAPES = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

Inputs = Mapping[str, ArrayLike] | Sequence[ArrayLike]


@dataclass
class Run:
    """The memory of one run: what must stay alive until its threads are done."""

    inputs: list[Array]
    outputs: list[Array]
    pointers: ctypes.Array[ctypes.c_uint64]
    dims: ctypes.Array[ctypes.c_int64]
    workspace: Bytes
    key: tuple[int, ...]

    @property
    def arguments(self) -> tuple[int, int, int]:
        """The arguments that all threads share."""
        shared = ctypes.addressof(self.pointers), ctypes.addressof(self.dims)
        return *shared, address(self.workspace)


class Program:
    """A compiled network.

    `threads` is how many threads a run uses: by default as many as it was compiled for, or as this
    process has cores if these are fewer.
    """

    def __init__(
        self,
        manifest: Manifest,
        library: Library,
        weights: Sequence[Array],
        threads: int | None = None,
        name: str = "program",
    ) -> None:
        self.manifest = manifest
        self.name = name
        cores = len(usable_cores())
        self.threads = threads or min(manifest.threads or cores, cores)
        self._library = library
        self._weights = [aligned(weight) for weight in weights]
        self._weight_addresses = [address(weight) for weight in self._weights]
        self._entry = self._address(manifest.entry)
        self._workspace_bytes = WORKSPACE_BYTES(self._address(f"{manifest.entry}_workspace_bytes"))
        self._output_shapes = self._find_output_shapes()
        self._step = library.address(f"{manifest.entry}_step")
        self._pool = WorkspacePool()
        self._check_devices()
        try:
            self._crew = Crew(library, self.threads)
        except UserError as error:
            raise UserError(f"{name}: {error.message}") from None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs, in order."""
        return self.manifest.inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs, in order."""
        return self.manifest.outputs

    @property
    def has_steps(self) -> bool:
        """Whether its kernels can be timed one by one."""
        return self._step is not None

    def run(self, inputs: Inputs) -> dict[str, Array]:
        """Compute the outputs, by name and in order, from the inputs, by name or in order.

        Inputs must have exactly the element type and shape that the program says; they are not
        copied if they are contiguous and 64-byte aligned.
        """
        run = self._prepare(inputs)
        self._on_threads(run, self._entry)
        self._pool.give(run.key, run.workspace)
        return {t.name: array for t, array in zip(self.outputs, run.outputs, strict=True)}

    def profile(self, inputs: Inputs, rounds: int = 1) -> list[list[float]]:
        """The seconds that each kernel call took, for each call of the network in order.

        The kernels run one by one, each on all threads.
        """
        if self._step is None:
            raise UserError(f"{self.name}: it was compiled without the means to time its kernels")
        run = self._prepare(inputs)
        times: list[list[float]] = [[] for _ in self.manifest.calls]
        for _ in range(rounds):
            for number, seconds in enumerate(times):
                start = time.perf_counter()
                self._on_threads(run, self._step, number)
                seconds.append(time.perf_counter() - start)
        self._pool.give(run.key, run.workspace)
        return times

    def _address(self, symbol: str) -> int:
        found = self._library.address(symbol)
        if found is None:
            raise UserError(f"{self.name}: its code has no function '{symbol}'")
        return found

    def _find_output_shapes(self) -> Callable[[int, int], None] | None:
        """The function that computes extents, if there are any that only it knows."""
        extents = {extent for tensor in self.outputs for extent in tensor.shape}
        if all(isinstance(e, int) or e in self.manifest.dims for e in extents):
            return None
        return OUTPUT_SHAPES(self._address(f"{self.manifest.entry}_output_shapes"))

    def _check_devices(self) -> None:
        for kernel in self.manifest.kernels:
            if kernel.device != "cpu":
                raise UserError(
                    f"{self.name}: kernel '{kernel.name}' is for the device '{kernel.device}', "
                    "this runtime has: cpu"
                )

    def _prepare(self, inputs: Inputs) -> Run:
        arrays = bind_inputs(self.name, self.inputs, inputs)
        values = solve_dims(self.name, self.inputs, arrays)
        key = (*(values[dim] for dim in self.manifest.dims), self.threads)
        dims = (ctypes.c_int64 * len(key))(*key)
        outputs = [
            aligned_empty(shape, storage_dtype(tensor.dtype))
            for tensor, shape in zip(self.outputs, self._shapes(dims, values), strict=True)
        ]
        arrays = [aligned(array) for array in arrays]
        places = [address(array) for array in arrays] + self._weight_addresses
        places += [address(array) for array in outputs]
        size: int = self._workspace_bytes(ctypes.addressof(dims), self.threads)
        workspace = self._pool.take(key, size)
        pointers = (ctypes.c_uint64 * len(places))(*places)
        return Run(arrays, outputs, pointers, dims, workspace, key)

    def _shapes(
        self, dims: ctypes.Array[ctypes.c_int64], values: Mapping[str, int]
    ) -> list[tuple[int, ...]]:
        """The extents of the outputs."""
        if self._output_shapes is None:
            return [
                tuple(values[e] if isinstance(e, str) else e for e in tensor.shape)
                for tensor in self.outputs
            ]
        ranks = [len(tensor.shape) for tensor in self.outputs]
        extents = np.zeros(sum(ranks) + 1, np.int64)
        self._output_shapes(ctypes.addressof(dims), address(extents))
        flat: list[int] = extents.tolist()
        ends = [sum(ranks[: i + 1]) for i in range(len(ranks))]
        return [tuple(flat[end - rank : end]) for end, rank in zip(ends, ranks, strict=True)]

    def _on_threads(self, run: Run, function: int, step: int = 0) -> None:
        """Call `function` on every thread; an error number becomes an error of the program."""
        error = self._crew.run(function, run.arguments, step)
        if error:
            raise UserError(f"{self.name}: the run stopped with error {error}")


def bind_inputs(name: str, tensors: Sequence[Tensor], given: Inputs) -> list[Array]:
    """The arrays for `tensors`, in order, checked against their types and ranks."""
    if isinstance(given, Mapping):
        values = _by_name(name, tensors, given)
    else:
        values = list(given)
        if len(values) != len(tensors):
            raise UserError(
                f"{name}: {len(values)} inputs given, expected {len(tensors)}: "
                + ", ".join(str(tensor) for tensor in tensors)
            )
    arrays: list[Array] = [np.asarray(value) for value in values]
    for tensor, array in zip(tensors, arrays, strict=True):
        _check_input(name, tensor, array)
    return arrays


def _by_name(
    name: str, tensors: Sequence[Tensor], given: Mapping[str, ArrayLike]
) -> list[ArrayLike]:
    known = [tensor.name for tensor in tensors]
    for key in given:
        if key not in known:
            raise UserError(f"{name}: no input is called '{key}': {nearest(key, known)}")
    for tensor in tensors:
        if tensor.name not in given:
            raise UserError(
                f"{name}: input {tensor} is missing; given: {', '.join(given) or 'nothing'}"
            )
    return [given[key] for key in known]


def _check_input(name: str, tensor: Tensor, array: Array) -> None:
    if array.dtype != storage_dtype(tensor.dtype) and not (
        array.dtype.name == tensor.dtype and array.dtype.isnative
    ):
        raise UserError(
            f"{name}: input '{tensor.name}' has dtype {array.dtype}, expected {tensor.dtype}"
        )
    fits = len(array.shape) == len(tensor.shape) and all(
        isinstance(expected, str) or expected == extent
        for expected, extent in zip(tensor.shape, array.shape, strict=True)
    )
    if not fits:
        raise UserError(
            f"{name}: input '{tensor.name}' has shape {shape_text(array.shape)}, "
            f"expected {shape_text(tensor.shape)}"
        )


def solve_dims(name: str, tensors: Sequence[Tensor], arrays: Sequence[Array]) -> dict[str, int]:
    """The values of the symbolic dimensions; one that would have two is an error."""
    values: dict[str, int] = {}
    origins: dict[str, str] = {}
    for tensor, array in zip(tensors, arrays, strict=True):
        for axis, (extent, size) in enumerate(zip(tensor.shape, array.shape, strict=True)):
            if not isinstance(extent, str):
                continue
            origin = f"axis {axis} of input '{tensor.name}'"
            if values.setdefault(extent, size) != size:
                raise UserError(
                    f"{name}: dimension '{extent}' is {values[extent]} in {origins[extent]} but "
                    f"{size} in {origin}"
                )
            origins.setdefault(extent, origin)
    return values
