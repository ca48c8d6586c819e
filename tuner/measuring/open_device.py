"""The device that a target's kernels are measured on."""

from analysis.errors import UserError
from dialects.target import Target
from tuner.measuring.cpu import CpuDevice
from tuner.measuring.device import Device
from tuner.measuring.vta import VtaDevice


def open_device(target: Target) -> Device:
    """The device for a target; UserError where nothing here can measure its kernels."""
    match target.device:
        case "llvm":
            return CpuDevice()
        case "vta":
            return VtaDevice()
        case _:
            raise UserError(
                f"target '{target}': its kernels cannot be measured here; those of llvm and vta can"
            )
