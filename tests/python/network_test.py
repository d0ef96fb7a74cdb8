#!/usr/bin/env python3
"""The way to AWS: real TLS with a certificate authority of our own, and real proxies.

    network_test.py AGENT STANDIN

A TLS server with a fresh certificate stands in front of the stand-in, and a proxy that counts stands beside it. What is
trusted and which way is taken must follow the variables of the client that asks, not those of the agent.
"""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from judging import Verdict
from world import World


def certificates(directory):
    """An authority, and a certificate of it for 127.0.0.1; gives the paths of the authority and of the server's."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name, key, issuer, issuer_key, authority):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def pem(key):
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate("test authority", authority_key, None, authority_key, True)
    server = certificate("test server", server_key, authority.subject, authority_key, False)
    (directory / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (directory / "server.pem").write_bytes(pem(server_key) + server.public_bytes(serialization.Encoding.PEM))
    return directory / "authority.pem", directory / "server.pem"


class Forwarder:
    """Accepts connections and forwards them. `open_way` gives the other end for what the client says first."""

    def __init__(self, open_way, context=None):
        self.open_way, self.context, self.connections = open_way, context, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.listener.getsockname()[1])
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError):
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            other = self.open_way(connection)
            back = threading.Thread(target=pump, args=(other, connection), daemon=True)
            back.start()
            pump(connection, other)
            back.join()


def pump(source, sink):
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def to(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def proxy_way(client):
    """What a proxy does: CONNECT opens a tunnel, an absolute URL is fetched from where it says."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(65536)
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    if method == "CONNECT":
        other = to(target)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return other
    other = to(target.split("/")[2])
    other.sendall(head)
    return other


def main():
    agent, stand_in = sys.argv[1:3]
    verdict = Verdict()
    with World(agent, stand_in) as world:
        authority, server = certificates(world.directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server)
        plain = world.facts["url"].removeprefix("http://")
        tls, proxy = Forwarder(lambda _: to(plain), context), Forwarder(proxy_way)
        user = world.facts["users"][0]
        names = iter(f"role{number}" for number in range(100))

        def fetch(**variables):
            """Credentials of a role nobody has asked for yet, with these variables; and how often the proxy was used."""
            name = next(names)
            arn = world.control("POST", "roles", {"name": name, "options": {}})["arn"]
            world.configure((user["name"], {}), (name, {"role_arn": arn, "source_profile": user["name"]}))
            before, used = dict(world.environment), proxy.connections
            world.environment |= variables
            try:
                return world.credentials(name), proxy.connections - used
            finally:
                world.environment = before

        def refused(**variables):
            try:
                fetch(**variables)
            except RuntimeError as failure:
                return str(failure)
            raise AssertionError("it was not refused")

        world.start()
        world.environment["AWS_VAULT_FILE_PASSPHRASE"] = "network"
        world.configure((user["name"], {}))
        world.add(user["name"], user["access_key_id"], user["secret_access_key"])
        https = {"AWS_ENDPOINT_URL_STS": f"https://{tls.address}"}
        trusted = https | {"AWS_CA_BUNDLE": str(authority)}
        verdict.check("an unknown authority is refused", lambda: expect("no answer from" in refused(**https)))
        verdict.check("AWS_CA_BUNDLE of the client that asks is trusted", lambda: expect(fetch(**trusted)[1] == 0))
        verdict.check("a bundle without certificates is named",
                      lambda: expect("no PEM certificate" in refused(**https, AWS_CA_BUNDLE=str(world.config))))
        verdict.check("a missing bundle is named", lambda: expect("/no/such" in refused(**https, AWS_CA_BUNDLE="/no/such")))
        through = f"http://{proxy.address}"
        verdict.check("HTTPS goes through a tunnel of HTTPS_PROXY",
                      lambda: expect(fetch(**trusted, HTTPS_PROXY=through)[1] == 1))
        verdict.check("HTTP goes through HTTP_PROXY", lambda: expect(fetch(HTTP_PROXY=through)[1] == 1))
        verdict.check("a proxy without a scheme works", lambda: expect(fetch(http_proxy=proxy.address)[1] == 1))
        verdict.check("NO_PROXY goes around it",
                      lambda: expect(fetch(HTTP_PROXY=through, NO_PROXY="127.0.0.1")[1] == 0))
        verdict.check("the next client without variables goes straight", lambda: expect(fetch()[1] == 0))
        verdict.check("a proxy that is not there is an error",
                      lambda: expect("no answer from" in refused(**trusted, HTTPS_PROXY="http://127.0.0.1:1")))
    return verdict.finish()


def expect(held):
    assert held


if __name__ == "__main__":
    sys.exit(main())
