# For `lit tests/filecheck`; pytest runs the same files without it.
import os
import sys

import lit.formats

config.name = "sample"  # noqa: F821
config.test_format = lit.formats.ShTest()  # noqa: F821
config.suffixes = [".mlir"]  # noqa: F821
config.environment["PATH"] = os.pathsep.join(  # noqa: F821
    (os.path.dirname(sys.executable), os.environ["PATH"])
)
