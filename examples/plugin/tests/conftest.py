"""Collects the `.mlir` files below this folder as tests that run their RUN lines."""

from dovetail.testing import pytest_collect_file as pytest_collect_file
