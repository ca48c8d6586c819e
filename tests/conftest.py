"""Options of the whole test suite."""


def pytest_addoption(parser):
    parser.addoption(
        "--update-examples",
        action="store_true",
        help="rewrite what comes out in the examples beside the passes",
    )
