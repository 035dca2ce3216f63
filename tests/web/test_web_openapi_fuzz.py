"""schemathesis reads our OpenAPI document from a running server and calls every endpoint: never a 5xx.

``TRUSTCELL_SOAK`` makes it longer.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trustcell.web.api import ENDPOINTS
from web.doors import served
from web.test_web_api import Api

EXAMPLES = 5 * (1 + int(os.environ.get("TRUSTCELL_SOAK", "0")))
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection,unsupported_method,ignored_auth"
)


@pytest.mark.parametrize("who", ["operator", "supplier"])
def test_no_call_that_the_description_leads_to_breaks_anything(tmp_path, who):
    api = Api(tmp_path)
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", "--checks", CHECKS, "--max-examples", str(EXAMPLES),
        "--phases", "examples,coverage,fuzzing", "--header", f"Authorization: Bearer {api.tokens[who]}", "--seed", "7",
        "--generation-database", "none", "--no-color", "--suppress-health-check", "all",
        "--exclude-operation-id", "health",
    ]  # fmt: skip
    with served(api.app) as port:
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}/api/openapi.json"],
            capture_output=True, text=True, timeout=240, cwd=tmp_path, env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert f"Tested: {len(ENDPOINTS) - 1}" in done.stdout
        assert len(api.ask(who, "GET", "/api/whoami").json) == 2, "and it still serves"
