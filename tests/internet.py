"""A stand-in for the internet: names that lead to public addresses, and one real server behind all of them.

    with internet() as wire:
        wire.names["img.test"] = ["93.184.215.14"]
        wire.pages["/a.png"] = ok(PICTURE)
        … wire.asked, wire.dialled, wire.seen …

Only the look-up of names and the address to dial are replaced; everything else is a real socket.
"""

import datetime
import re
import socket
import struct
import threading
import time
from contextlib import contextmanager
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PUBLIC = "93.184.215.14"
DEAF = "93.184.215.99"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 2000


class Wire:
    """A stand-in for the internet: names, and what a server says at each path."""

    def __init__(self, server):
        self.server = server
        self.names = {"img.test": [PUBLIC], "two.test": [PUBLIC], "home.test": ["10.0.0.7"]}
        self.pages = {"/a.png": ok(PICTURE)}  # bytes, pieces, or a function of the line
        self.otherwise = NOT_FOUND
        self.deaf = {DEAF}  # addresses where nobody listens
        self.is_polite = True  # and reads the body of a request before it answers
        self.asked = []  # names that were resolved
        self.dialled = []  # addresses that were connected to
        self.seen = []  # heads of requests
        self.context = None  # TLS

    def resolve(self, name, port, **kwargs):
        self.asked.append(name)
        answers = self.names.get(name.removesuffix("."), [])
        answers = answers() if callable(answers) else answers
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port)) for answer in answers]

    def connect(self, address, timeout=None):
        self.dialled.append(address)
        if address[0] in self.deaf:
            raise ConnectionRefusedError
        line = socket.socket()
        line.settimeout(timeout)
        try:
            line.connect(self.server.getsockname())
        except OSError:
            line.close()
            raise
        return line

    def serve(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(line,), daemon=True).start()

    def answer(self, line):
        try:
            with self.context.wrap_socket(line, server_side=True) if self.context else line as line:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += line.recv(4096) or b"\r\n\r\n"
                    if head.startswith(b"\x16"):  # a TLS greeting, which this server does not understand
                        return
                self.seen.append(head.decode("latin-1"))
                self.hear(line, head)
                self.say(line, self.pages.get(head.split(b" ")[1].decode(), self.otherwise))
        except OSError:
            return  # the client hung up, which many of these tests want

    def hear(self, line, head):
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        missing = int(length[1]) - len(head.partition(b"\r\n\r\n")[2]) if length and self.is_polite else 0
        while missing > 0 and (piece := line.recv(65536)):
            missing -= len(piece)

    def say(self, line, page):
        if callable(page):
            page(line)
            return
        for piece in [page] if isinstance(page, bytes) else page:
            line.sendall(piece)


def ok(body, status="200 OK", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


NOT_FOUND = ok(b"no such page", "404 Not Found")


def to(address, status="302 Found", **headers):
    return ok(b"", status, Location=address, **headers)


@contextmanager
def internet():
    """A `Wire` to which every connection of this process leads for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire(server)
        threading.Thread(target=wire.serve, daemon=True).start()
        with (
            mock.patch.object(socket, "getaddrinfo", wire.resolve),
            mock.patch.object(socket, "create_connection", wire.connect),
        ):
            yield wire
        server.shutdown(socket.SHUT_RDWR)


def reset(line, first=b""):
    """Say something, and break the line with a reset."""
    line.sendall(first)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def dripping(*first):
    """A page whose end never comes, a byte at a time."""

    def drip(line):
        for piece in first:
            line.sendall(piece)
        while True:
            time.sleep(0.03)
            line.sendall(b"1")

    return drip


def endless(first, piece):
    """A page of pieces without an end, as fast as they are taken."""

    def flood(line):
        line.sendall(first)
        while True:
            line.sendall(piece)

    return flood


def certificate(folder, name, *, until=datetime.timedelta(days=1)):
    """A certificate for `name` that signs itself, as a file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=9)).not_valid_after(now + until)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path
