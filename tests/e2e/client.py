"""The API as a program uses it, with nothing but the standard library."""

import json
import time
import urllib.error
import urllib.request
import uuid


class ApiClient:
    def __init__(self, address: str, token: str):
        self.root = address + "/api/v1"
        self.token = token

    def call(self, method: str, path: str, body=None, *, content_type="application/json", **headers):
        """Returns the status and the parsed answer."""
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        request = urllib.request.Request(self.root + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", content_type)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _parsed(answer)
        except urllib.error.HTTPError as answer:
            return answer.status, _parsed(answer)

    def get(self, path: str):
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer

    def send_files(self, path: str, field: str, files: dict[str, bytes], **fields):
        """POST as multipart/form-data; a list value of `fields` becomes a repeated part."""
        boundary = uuid.uuid4().hex
        lines = []
        for name, values in fields.items():
            for value in values if isinstance(values, list) else [values]:
                head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                lines.append(head.encode())
        for name, content in files.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
            lines.append(
                head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
            )
        body = b"".join(lines) + f"--{boundary}--\r\n".encode()
        return self.call("POST", path, body, content_type=f"multipart/form-data; boundary={boundary}")

    def wait(self, path: str, done, seconds: float = 60):
        """Ask until `done(answer)`."""
        end = time.monotonic() + seconds
        while True:
            answer = self.get(path)
            if done(answer):
                return answer
            assert time.monotonic() < end, answer
            time.sleep(0.2)


def _parsed(answer):
    text = answer.read()
    return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
