"""Collects every `.mlir` file below this folder as one test that runs its RUN lines in process."""

from dovetail.testing import pytest_collect_file as pytest_collect_file
