"""What a real server and its worker write down: each line JSON, and nothing secret in any file of theirs."""

import json
import os
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from tests.canary import PROMPT, Parrot, found_in, key_for
from tests.e2e.client import ApiClient
from tests.e2e.conftest import Server, running

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

KEY = key_for("openai")
SPOKEN = ("Collecting", "Vignette is ready", "Make the first account", "Press Ctrl-C", "Stopped")
MAKE = """
import os
from gallery import connections
from gallery.models import ApiToken, User
ada = User.objects.create_user("ada")
connections.create(
    ada, name="Parrot", provider="openai", base_url=vendor, api_key=os.environ["VENDOR_KEY"], is_default=True
)
print(ApiToken.issue(ada, "laptop")[1])
"""
FORGED = "/no" + quote('\n{"level": "INFO", "message": "all is well"}')


def status_of(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.headers.get("X-Request-ID", "")
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("X-Request-ID", "")


def test_logs_and_files_of_server_and_worker_hold_no_secrets(tmp_path):
    with Parrot() as parrot:
        server = Server(tmp_path, LOG_FORMAT="json", ALLOWED_PRIVATE_HOSTS=parrot.allowed[0], VENDOR_KEY=KEY)
        with running(server):
            token = server.manage(
                "shell", "-v0", "-c", f"vendor = 'http://127.0.0.1:{parrot.port}'{MAKE}"
            ).strip()
            api = ApiClient(server.address, token)
            status, asked = api.call("POST", "/generations", {"prompt": PROMPT, "model": "gpt-image-2"})
            assert status == 202, asked
            done = api.wait(f"/generations/{asked['id']}", lambda answer: answer["finished_at"])
            assert (done["status"], done["error"]["code"]) == ("failed", "auth")
            missing, name = status_of(server.address + FORGED)
            assert missing == 404
        assert any(KEY in value for value in parrot.last.headers.values())

    lines = server.log.read_text().splitlines()
    written = [json.loads(line) for line in lines if not line.startswith(SPOKEN)]
    assert {"ended"} <= {word.rstrip(":") for line in written for word in line["message"].split()}
    assert [line["request_id"] for line in written if "all is well" in line["message"]] == [name]
    assert not found_in("\n".join(lines), [KEY, token])
    assert "CANARYPROMPT" not in "\n".join(lines)
    for path in (tmp_path / "var").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
            assert not found_in(path.read_bytes(), [KEY, token]), path
    assert os.listdir(tmp_path / "var" / "keys")
