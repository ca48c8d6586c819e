"""The device that a target's candidates are measured on."""

from dialects.target import Target
from tuner.measuring.cpu import CpuDevice
from tuner.measuring.device import Device
from tuner.measuring.vta import VtaDevice


def device_for(target: Target) -> Device:
    """This machine, or the simulator of the accelerator."""
    return VtaDevice() if target.machine.is_accelerator else CpuDevice()
