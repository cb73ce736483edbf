"""Behind a real nginx with the file in `deploy/`: https, uploads, private files that it sends itself."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import picture_bytes
from tests.e2e.conftest import ROOT, Server, running
from tests.services import free_port, wait_for_port

SITE = "pictures.example"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.thorough,
    pytest.mark.skipif(not NGINX and not os.environ.get("CI"), reason="nginx is not installed"),
]
MAIN = """
daemon off; pid nginx.pid; error_log error.log; {user}
events {{ worker_connections 256; }}
http {{
    include {types};
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {site}
}}
"""
STARTED = """
from django.core.management import call_command
from gallery.models import ApiToken, User
call_command("migrate", verbosity=0)
for name in ("ada", "eve"):
    print(ApiToken.issue(User.objects.create_user(name, password=f"{name}-pass-2026"), "laptop")[1])
"""


@pytest.fixture(scope="module")
def front():
    """nginx in front of the server; a folder that another user may walk into, as nginx runs as one."""
    with tempfile.TemporaryDirectory(prefix="vignette-nginx-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = free_port()
        server = Server(
            folder, ALLOWED_HOSTS=f"{SITE},127.0.0.1", CSRF_TRUSTED_ORIGINS=f"https://{SITE}:{port}",
            X_ACCEL_PREFIX="/protected/",
        )  # fmt: skip
        tokens = server.manage("shell", "-v0", "-c", STARTED).split()[-2:]
        (folder / "var").chmod(0o750)
        _certify(folder)
        with running(server), _nginx(folder, port, _configuration(folder, server.port, port)):
            yield Front(port, folder / "cert.pem", tokens)


class Front:
    def __init__(self, port: int, certificate: Path, tokens: list[str]):
        self.port, self.certificate = port, str(certificate)
        self.ada, self.eve = tokens

    def ask(self, method: str, path: str, token: str = "", **more):
        """A request as a browser would send it to the site."""
        headers = {"Host": f"{SITE}:{self.port}"} | more.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return requests.request(
            method, f"https://localhost:{self.port}{path}", headers=headers, verify=self.certificate,
            timeout=60, allow_redirects=False, **more,
        )  # fmt: skip

    def upload(self, data: bytes) -> str:
        answer = self.ask("POST", "/api/v1/images", self.ada, files={"file": ("a.png", data)})
        assert answer.status_code == 201, answer.text
        return answer.json()["items"][0]["id"]


@contextmanager
def _nginx(folder: Path, port: int, configuration: str):
    (folder / "nginx.conf").write_text(configuration)
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        wait_for_port(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def _configuration(folder: Path, behind: int, port: int) -> str:
    """Ours, with other names and ports and without the redirect from port 80."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    site = re.sub(r"server \{\s+listen 80;.*?\n\}\n", "", site, flags=re.DOTALL)
    changes = {
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "proxy_set_header Host $host;": "proxy_set_header Host $http_host;",  # the port is part of it here
        "/etc/ssl/vignette/fullchain.pem": str(folder / "cert.pem"),
        "/etc/ssl/vignette/privkey.pem": str(folder / "key.pem"),
        "/var/lib/vignette/media/": f"{folder}/var/media/",
    }
    for ours, theirs in changes.items():
        assert ours in site
        site = site.replace(ours, theirs)
    return _around(site)


def _around(site: str) -> str:
    user = "user www-data root;" if os.geteuid() == 0 else ""  # in our group, as www-data is in Vignette's
    return MAIN.format(user=user, types="/etc/nginx/mime.types", site=site)


def _certify(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)


def test_pages_come_by_https_with_cookies_that_stay_on_it(front):
    answer = front.ask("GET", "/login/")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    assert all("Secure" in cookie for cookie in answer.raw.headers.getlist("Set-Cookie"))
    assert front.ask("GET", "/health/ready").json()["checks"]["database"]


def test_an_original_is_sent_by_nginx_to_its_owner_alone(front):
    data = picture_bytes("#406080", (900, 700))
    address = f"/api/v1/images/{front.upload(data)}/original"
    whole = front.ask("GET", address, front.ada)
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["Content-Type"] == "image/png"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    assert whole.headers["Cache-Control"] == "private, no-store"
    assert front.ask("GET", address, front.eve).status_code == 404
    assert front.ask("GET", address).status_code == 401


def test_a_download_goes_on_where_it_was_cut(front):
    data = picture_bytes("#604020", (901, 700))
    address = f"/api/v1/images/{front.upload(data)}/original"
    etag = front.ask("GET", address, front.ada).headers["ETag"]
    rest = front.ask("GET", address, front.ada, headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, data[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(data) - 1}/{len(data)}"


def test_somebody_logs_in_and_sees_thumbnails_that_the_browser_keeps_for_good(front):
    front.upload(picture_bytes("#208040", (902, 700)))
    page = front.ask("GET", "/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    cookie = page.cookies["__Host-csrftoken"]
    form = {"login": "ada", "password": "ada-pass-2026", "csrfmiddlewaretoken": token}
    headers = {"Origin": f"https://{SITE}:{front.port}", "Cookie": f"__Host-csrftoken={cookie}"}
    entered = front.ask("POST", "/login/", data=form, headers=headers)
    assert entered.status_code == 302, entered.text
    gallery = front.ask("GET", "/", headers={"Cookie": f"__Host-session={entered.cookies['__Host-session']}"})
    thumbnail = re.search(r'src="(/media/t/[^"]+)"', gallery.text)[1]
    answer = front.ask("GET", thumbnail)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["Cache-Control"]


def test_nobody_asks_nginx_for_files_directly(front):
    front.upload(picture_bytes("#802040", (903, 700)))
    key = front.ask("GET", "/api/v1/images", front.ada).json()["items"][0]["id"]
    assert front.ask("GET", f"/protected/uploaded/1/{key}.png").status_code == 404
    assert front.ask("GET", "/protected/../db.sqlite3").status_code == 404


def test_a_large_upload_passes_and_one_beyond_the_limit_is_told(front):
    noise = os.urandom(20_000_000)
    refused = front.ask("POST", "/api/v1/images", front.ada, files={"file": ("a.png", noise)})
    assert refused.status_code == 422  # no picture, and looked at as a whole
    head = f"POST /api/v1/images HTTP/1.1\r\nHost: {SITE}:{front.port}\r\nContent-Length: {600 << 20}\r\n\r\n"
    trusting = ssl.create_default_context(cafile=front.certificate)
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        line.sendall(head.encode())
        assert line.recv(64).startswith(b"HTTP/1.1 413")


# --- In containers --------------------------------------------------------------------------------


@contextmanager
def _echo():
    """A server that answers with the headers it is sent; yields its port."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(dict(self.headers)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield http.server_port
        http.shutdown()


def test_the_server_of_the_containers_passes_on_what_one_in_front_of_it_says():
    """Else a site behind https would be sent to https again and again."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="vignette-nginx-") as name, _echo() as behind:
        Path(name).chmod(0o755)
        site = (ROOT / "deploy" / "compose-nginx.conf").read_text()
        site = site.replace("web:8000", f"127.0.0.1:{behind}").replace("listen 8080", f"listen {port}")
        with _nginx(Path(name), port, _around(site)):
            outer = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
            told = requests.get(f"http://127.0.0.1:{port}/", headers=outer, timeout=20).json()
            plain = requests.get(f"http://127.0.0.1:{port}/", timeout=20).json()
    assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("203.0.113.7, 127.0.0.1", "https")
    assert (plain["X-Forwarded-For"], plain["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
