"""A broker behind TLS and SASL on loopback, with certificates made for it, and the settings that reach each listener."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.local.child import free_ports
from api.local.kafka import Kafka

USER = "touchline"
PASSWORD = "quite odd/pass=word"  # what SASL and JAAS have to carry whole
PROPERTIES = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller_port}},SASLTLS://127.0.0.1:{sasl_ssl},\
MUTUAL://127.0.0.1:{mutual},SASLOPEN://127.0.0.1:{sasl_plaintext}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},SASLTLS://127.0.0.1:{sasl_ssl},MUTUAL://127.0.0.1:{mutual},\
SASLOPEN://127.0.0.1:{sasl_plaintext}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASLTLS:SASL_SSL,MUTUAL:SSL,\
SASLOPEN:SASL_PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mutual.ssl.client.auth=required
listener.name.sasltls.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasltls.plain.sasl.jaas.config={plain} user_{user}="{password}";
listener.name.sasltls.scram-sha-256.sasl.jaas.config={scram};
listener.name.sasltls.scram-sha-512.sasl.jaas.config={scram};
listener.name.saslopen.sasl.enabled.mechanisms=PLAIN
listener.name.saslopen.plain.sasl.jaas.config={plain} user_{user}="{password}";
"""
MODULE = "org.apache.kafka.common.security.{0}.{1}LoginModule required"


@dataclass(frozen=True, slots=True)
class Files:
    """PEM files: the broker's authority and another, the broker's key with its certificate, a client's, a stranger's."""

    ca: Path
    other_ca: Path
    broker: Path
    client: Path
    client_key: Path
    client_key_locked: Path
    stranger: Path


@dataclass(frozen=True, slots=True)
class SecureKafka:
    """The running broker and the settings (by their environment names) that reach each of its listeners."""

    broker: Kafka
    files: Files
    sasl_ssl: int
    mutual: int
    sasl_plaintext: int

    def scram(self, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """SASL over TLS."""
        return {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.sasl_ssl}",
            "TOUCHLINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "TOUCHLINE_KAFKA_SASL_MECHANISM": mechanism,
            "TOUCHLINE_KAFKA_SASL_USERNAME": USER,
            "TOUCHLINE_KAFKA_SASL_PASSWORD": PASSWORD,
            "TOUCHLINE_KAFKA_SSL_CAFILE": str(self.files.ca),
        }

    def certificate(self) -> dict[str, str]:
        """TLS where the client shows a certificate."""
        return {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.mutual}",
            "TOUCHLINE_KAFKA_SECURITY_PROTOCOL": "SSL",
            "TOUCHLINE_KAFKA_SSL_CAFILE": str(self.files.ca),
            "TOUCHLINE_KAFKA_SSL_CERTFILE": str(self.files.client),
            "TOUCHLINE_KAFKA_SSL_KEYFILE": str(self.files.client_key),
        }

    def plain(self) -> dict[str, str]:
        """SASL PLAIN without TLS."""
        return {
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.sasl_plaintext}",
            "TOUCHLINE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "TOUCHLINE_KAFKA_SASL_MECHANISM": "PLAIN",
            "TOUCHLINE_KAFKA_SASL_USERNAME": USER,
            "TOUCHLINE_KAFKA_SASL_PASSWORD": PASSWORD,
        }


async def start_secure_kafka(directory: Path) -> SecureKafka:
    """Start it. Raises StackError as `Kafka.start` does."""
    directory.mkdir(parents=True, exist_ok=True)
    files = make_files(directory)
    sasl_ssl, mutual, sasl_plaintext = free_ports(3)
    properties = PROPERTIES.format(
        sasl_ssl=sasl_ssl,
        mutual=mutual,
        sasl_plaintext=sasl_plaintext,
        keystore=files.broker,
        truststore=files.ca,
        user=USER,
        password=PASSWORD,
        plain=MODULE.format("plain", "Plain"),
        scram=MODULE.format("scram", "Scram"),
    )
    users = [
        f'--add-scram={mechanism}=[name="{USER}",password="{PASSWORD}"]'
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
    ]
    broker = Kafka(directory / "kafka", properties=properties, format_options=users)
    await broker.start()
    return SecureKafka(broker, files, sasl_ssl, mutual, sasl_plaintext)


def make_files(directory: Path) -> Files:
    """An authority, a broker's certificate for 127.0.0.1 and a client's, both signed by it; the same of a stranger."""
    authority_key, authority = _authority("touchline test authority")
    other_key, other = _authority("somebody else's authority")
    broker_key, broker = _signed("broker", authority_key, authority)
    client_key, client = _signed("client", authority_key, authority)
    stranger_key, stranger = _signed("stranger", other_key, other)
    return Files(
        ca=_write(directory / "ca.pem", _pem(authority)),
        other_ca=_write(directory / "other-ca.pem", _pem(other)),
        broker=_write(directory / "broker.pem", _key(broker_key) + _pem(broker) + _pem(authority)),
        client=_write(directory / "client.pem", _pem(client)),
        client_key=_write(directory / "client.key", _key(client_key)),
        client_key_locked=_write(directory / "locked.key", _key(client_key, BestAvailableEncryption(b"locked"))),
        stranger=_write(directory / "stranger.pem", _key(stranger_key) + _pem(stranger)),
    )


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(name, name, key).add_extension(basic, critical=True).add_extension(usage, critical=True)
    identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return key, builder.add_extension(identity, critical=False).sign(key, hashes.SHA256())


def _signed(
    name: str, authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    where = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = _builder(name, str(issuer), key)
    for extension in (by, both, where):
        builder = builder.add_extension(extension, critical=False)
    return key, builder.sign(authority_key, hashes.SHA256())


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key(key: ec.EllipticCurvePrivateKey, lock: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or NoEncryption())


def _write(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path
