"""Which ways in are open, and whether mail can come through them: for `touchline doctor`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from api.http.inbound.providers import SETTINGS, providers
from domain.webhook_keys import listed
from sinks.postgres.inbound import SubscriptionState
from streams.settings import Settings, env_name

Subscriptions = Callable[[], Awaitable[Mapping[str, SubscriptionState]]]


class EndedError(Exception):
    """A provider says that it sends nothing more."""


async def describe_inbound(settings: Settings, subscriptions: Subscriptions) -> str:
    """The open providers of webhooks. Raises SettingsError for a secret that cannot be read, EndedError."""
    found = [f"{name}: {provider.about}" for name, provider in providers(settings).items() if name != "ses"]
    if settings.inbound_ses_topics is not None:
        states = await subscriptions()
        topics = {topic: states.get(topic, "not confirmed yet") for topic in listed(settings.inbound_ses_topics)}
        ended = [topic for topic, state in topics.items() if state == "ended"]
        if ended:
            raise EndedError(f"the subscription has ended: {', '.join(ended)}")
        found.append("ses: " + ", ".join(f"{topic} ({state})" for topic, state in topics.items()))
    if found:
        return f"webhooks {'; '.join(found)}"
    return f"no webhook is open: none of {', '.join(env_name(field) for field in SETTINGS.values())} is set"
