"""How to reach the brokers: the settings as aiokafka and as Faust want them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from streams.settings import SettingsError, problem

if TYPE_CHECKING:
    from streams.settings import Settings


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """A verifying TLS context, or None where the protocol has no TLS. Raises SettingsError for a file that is no PEM."""
    if settings.kafka_security_protocol not in ("SSL", "SASL_SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
    except (OSError, ValueError) as error:
        told = f"{settings.kafka_ssl_cafile} has no CA certificates in PEM ({error})"
        raise SettingsError([problem("kafka_ssl_cafile", told)]) from None
    if settings.kafka_ssl_certfile:
        key = settings.kafka_ssl_keyfile or settings.kafka_ssl_certfile
        try:
            # a key that is locked must not make OpenSSL ask the terminal
            context.load_cert_chain(settings.kafka_ssl_certfile, key, password=lambda: "")
        except (OSError, ValueError) as error:
            told = (
                f"{settings.kafka_ssl_certfile} and {key} are not a certificate with its unlocked key in PEM ({error})"
            )
            raise SettingsError([problem("kafka_ssl_certfile", told)]) from None
    return context


def connection(settings: Settings) -> dict[str, Any]:
    """Arguments for any aiokafka client."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if settings.kafka_security_protocol.startswith("SASL") and settings.kafka_sasl_password:
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return options


def faust_broker(settings: Settings) -> list[str]:
    """Broker URLs for `faust.App`."""
    return [f"kafka://{server.strip()}" for server in settings.kafka_bootstrap_servers.split(",")]


def faust_credentials(settings: Settings) -> Any:
    """Credentials for `faust.App`, or None for a plain connection."""
    from faust import SASLCredentials, SSLCredentials

    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    context = ssl_context(settings)
    if settings.kafka_security_protocol == "SSL":
        return SSLCredentials(context)
    assert settings.kafka_sasl_password is not None
    return SASLCredentials(
        username=settings.kafka_sasl_username,
        password=settings.kafka_sasl_password.get_secret_value(),
        ssl_context=context,
        mechanism=settings.kafka_sasl_mechanism,
    )
