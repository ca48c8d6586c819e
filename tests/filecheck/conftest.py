"""Collects every `.mlir` file below this folder as one test that runs its RUN lines in process."""

from pathlib import Path

import pytest
from in_process import RunLineError, run_file


class FilecheckFile(pytest.File):
    def collect(self):
        yield FilecheckItem.from_parent(self, name="run")


class FilecheckItem(pytest.Item):
    def runtest(self):
        run_file(Path(self.path))

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, RunLineError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, self.path.name


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".mlir":
        return FilecheckFile.from_parent(parent, path=file_path)
    return None
