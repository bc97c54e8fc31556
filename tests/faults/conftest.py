"""One deployment with two voice workers for what can break in it and heal."""

import os
import shutil
from collections.abc import Generator, Iterator

import pytest
from tests.e2e.product import Product, deployment, excerpt


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Everything runs, and calls from 127.0.0.1 are answered."""
    if shutil.which("sipp") is None and os.environ.get("CI") != "true":
        pytest.skip("not installed: sipp")
    assert shutil.which("sipp") is not None
    with deployment(
        tmp_path_factory.mktemp("product"), voice_workers="2", rate_limit="0", log_level="warning"
    ) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for running in {id(one): one for one in item.funcargs.values() if isinstance(one, Product)}.values():  # type: ignore[attr-defined]
            report.sections.append(("log of the deployment", excerpt(running.log, 0)))
    return report
