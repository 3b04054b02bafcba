"""Which ways in are open, by the settings. One without its setting is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from api.http.inbound.calls import Provider
from api.http.inbound.generic import Generic
from api.http.inbound.mailgun import Mailgun
from api.http.inbound.ses import Ses, Subscriptions
from api.http.inbound.standard import Standard
from domain.webhook_keys import generic_keys, is_reference, listed, standard_key
from sinks.smtp_connect import SecretError, read_secret
from sinks.sns import CertificateStore, SnsSigners
from sinks.web import Web
from streams.settings import Settings, SettingsError, env_name, problem

SETTINGS: Mapping[str, str] = {
    "generic": "webhook_secret",
    "standard": "inbound_standard_secrets",
    "mailgun": "inbound_mailgun_keys",
    "ses": "inbound_ses_topics",
}
"""Provider -> the setting that opens it."""


class InboundPort(CertificateStore, Subscriptions, Protocol):
    """What Postgres keeps for the providers (`sinks.postgres.inbound.InboundStore`)."""


def providers(settings: Settings, store: InboundPort | None = None, web: Web | None = None) -> Mapping[str, Provider]:
    """The open ones by name; SES only with what it needs. Raises SettingsError where a secret that is named cannot be read."""
    found: dict[str, Provider] = {}
    if secrets := generic_secrets(settings):
        found["generic"] = Generic(secrets)
    if secrets := standard_secrets(settings):
        found["standard"] = Standard(secrets)
    if keys := mailgun_keys(settings):
        found["mailgun"] = Mailgun(keys)
    if settings.inbound_ses_topics is not None and store is not None and web is not None:
        found["ses"] = Ses(listed(settings.inbound_ses_topics), SnsSigners(web, store), web, store)
    return found


def generic_secrets(settings: Settings) -> list[bytes]:
    """The newest first; none where the provider is closed. Raises SettingsError."""
    if settings.webhook_secret is None:
        return []
    secrets = generic_keys(settings.webhook_secret.get_secret_value())
    return [_read("webhook_secret", secret).encode() for secret in secrets]


def standard_secrets(settings: Settings) -> list[bytes]:
    """The newest first; none where the provider is closed. Raises SettingsError."""
    if settings.inbound_standard_secrets is None:
        return []
    field = "inbound_standard_secrets"
    entries = listed(settings.inbound_standard_secrets.get_secret_value())
    try:
        return [standard_key(_read(field, entry)) for entry in entries]
    except ValueError as error:
        raise SettingsError([problem(field, str(error))]) from None


def mailgun_keys(settings: Settings) -> list[bytes]:
    """The newest first; none where the provider is closed. Raises SettingsError."""
    if settings.inbound_mailgun_keys is None:
        return []
    entries = listed(settings.inbound_mailgun_keys.get_secret_value())
    return [_read("inbound_mailgun_keys", entry).encode() for entry in entries]


def closed(name: str) -> str:
    """Why a provider is not found."""
    field = SETTINGS.get(name)
    return "no such provider" if field is None else f"no such provider: {env_name(field)} is not set"


def _read(field: str, entry: str) -> str:
    """The key itself, where an entry names where it stands."""
    if not is_reference(entry):
        return entry
    try:
        return read_secret(entry)
    except SecretError as error:
        raise SettingsError([problem(field, str(error))]) from None
