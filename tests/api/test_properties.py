"""schemathesis: every check over every operation, with data that the document allows and data that it doesn't."""

import copy
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from tests.api.conftest import TRIO
from tests.conftest import fresh_database

from oneinbox.app.api.application import routes
from oneinbox.app.api.document import AS_THE_CONTRACT_HAS_IT, with_errors
from oneinbox.kit.clock import SystemClock

EXAMPLES = int(os.environ.get("ONEINBOX_TEST_EXAMPLES", "6"))
"""For each operation and kind of data; more of them find more."""

DOCUMENT = with_errors(copy.deepcopy(routes(SystemClock()).openapi()), *AS_THE_CONTRACT_HAS_IT)
"""With the errors of the seed operation too, which the contract does not declare."""
for _operation in (one for operations in DOCUMENT["paths"].values() for one in operations.values()):
    # A key that was used before is refused for another body, however well-formed both are: tested by itself.
    _operation["parameters"] = [one for one in _operation.get("parameters", []) if one["name"] != "Idempotency-Key"]
ACCEPTABLE = ["2xx", "400", "401", "403", "404", "409", "422", "429"]
"""How allowed data may be answered: also that SIP values are missing, that what it names is not there, or too often."""
BEYOND_SCHEMAS = {"unstorable_text", "invalid_field", "phone_number", "trunk_address", "network", "string_too_long"}
"""Types of faults that the document can't tell: text that no database holds, values that don't go together here, and
limits of fields whose schema must stay the contract's."""
OPERATIONS = [(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations]


class Served:
    """An API process on a database of its own, with the keys of two workspaces that have things in them."""

    def __init__(self, folder: Path, urls: Any) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ONEINBOX_")} | {
            "ONEINBOX_DATA_DIR": str(folder),
            "ONEINBOX_DATABASE_URL": urls.app,
            "ONEINBOX_API_LISTEN": f"127.0.0.1:{self.port}",
            "ONEINBOX_RATE_LIMIT": "0",
            "ONEINBOX_SCRIPTED_PROVIDERS": "true",
        }
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oneinbox", "api"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.keys = [self._workspace(name, number) for number, name in enumerate(("one", "two"))]

    def _workspace(self, name: str, number: int) -> str:
        command = [sys.executable, "-m", "oneinbox", "keys", "create", "test", "--workspace", name]
        key = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()
        with httpx.Client(base_url=self.base, headers={"Authorization": f"Bearer {key}"}) as client:
            agent = client.post("/v1/agents", json={"name": name}).json()["id"]
            body = {"phone_number": f"+1555010777{number}", "provider": "twilio", "provider_config": TRIO}
            assert client.post("/v1/phone-numbers", json=body | {"agent_id": agent}).status_code == 201
        return key

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture(scope="module")
def served(template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with fresh_database(template) as urls:
        made = Served(tmp_path_factory.mktemp("api"), urls)
        yield made
        made.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "wrong"])
def test_an_operation_holds_what_its_document_says(
    served: Served, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.update(base_url=served.base)
    schema.config.generation.update(allow_extra_parameters=False)  # a query may hold more than is read of it
    schema.config.checks.positive_data_acceptance.expected_statuses = ACCEPTABLE
    operation = schema[path][method.upper()]
    if mode is GenerationMode.NEGATIVE and not (operation.body or any(operation.iter_parameters())):
        pytest.skip("it takes nothing that could be wrong")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        for key in served.keys:
            answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"})
            if mode is GenerationMode.POSITIVE and answer.status_code == 422:
                assert {fault["type"] for fault in answer.json()["detail"]} <= BEYOND_SCHEMAS

    holds()
