"""A certificate made for one run: only the processes that are given it can talk to each other.

Any user of a machine reaches a port of 127.0.0.1, and whoever talks to a scheduler or a worker runs
code as the one who started it. The certificate's key never leaves the memory of the run's own
processes, but for the moment in which OpenSSL reads it from a folder that nobody else may enter.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Security

NAME = "cairo-run"
EARLY = timedelta(days=1)
GOOD_FOR = timedelta(days=365)


def own_security() -> Security:
    """Security with a new certificate that is its own authority.

    `Security.temporary` makes an RSA key of 2048 bits, which takes a tenth of a second; a key on a
    curve is as strong and made, and used in every handshake, in no time.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    from cairo.workers.unnamed_files import UnnamedSecurity

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate = made.public_bytes(serialization.Encoding.PEM).decode()
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return UnnamedSecurity(certificate, secret)
