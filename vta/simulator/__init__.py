"""Simulators of VTA."""
