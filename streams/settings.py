"""Every setting, once: `TOUCHLINE_*` environment variables (and the usual `ANTHROPIC_*`), frozen after the start.

`python -m streams.settings --example` prints `.env.example`; `--check FILE` fails when FILE has drifted from it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.claude_prices import parse_prices, price_of
from domain.named_tokens import parse_named_tokens
from domain.sns import region_of
from domain.tokens import TokenKeys
from domain.webhook_keys import is_reference, listed, standard_key

PREFIX = "TOUCHLINE_"


class SettingsError(Exception):
    """The environment cannot be used. `problems` has one line for each: name, what is wrong, an example."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _flag(value: Any) -> Any:
    """Only `true` and `false`: a switch that takes any non-empty string for yes is a trap."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]


def _setting(default: Any, about: str, example: str, env: str | None = None) -> Any:
    alias = AliasChoices(env, env.lower()) if env else None
    return Field(default=default, description=about, examples=[example], validation_alias=alias)


class Settings(BaseSettings):
    """What a Touchline process needs to know about the world around it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    kafka_bootstrap_servers: str = _setting(
        "127.0.0.1:9092", "Kafka brokers, host:port, comma-separated.", "k1:9092,k2:9092"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = _setting(
        "PLAINTEXT", "How to talk to the brokers.", "SASL_SSL"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _setting(
        "PLAIN", "SASL mechanism, where the protocol has SASL.", "SCRAM-SHA-512"
    )
    kafka_sasl_username: str | None = _setting(None, "SASL user.", "touchline")
    kafka_sasl_password: SecretStr | None = _setting(None, "SASL password.", "secret")
    kafka_ssl_cafile: Path | None = _setting(
        None, "CA certificates (PEM) the brokers are checked against.", "/etc/touchline/ca.pem"
    )
    kafka_ssl_certfile: Path | None = _setting(None, "Client certificate (PEM).", "/etc/touchline/client.pem")
    kafka_ssl_keyfile: Path | None = _setting(None, "Key of the client certificate (PEM).", "/etc/touchline/client.key")
    kafka_replication_factor: int = Field(
        default=1, ge=1, le=32_767, description="Copies of each topic.", examples=["3"]
    )
    kafka_topic_prefix: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9._-]*$",
        max_length=150,  # a topic's name has 249 at most
        description="Before every topic and group name.",
        examples=["staging-"],
    )
    partitions: int = Field(
        default=8, ge=1, le=1024, description="Partitions of every topic; fixed once created.", examples=["8"]
    )
    postgres_dsn: SecretStr | None = _setting(
        None, "PostgreSQL: the ledger and the read models.", "postgresql://touchline@127.0.0.1/touchline"
    )

    clock_rate: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="Campaign seconds a wall second.", examples=["3600"]
    )
    clock_origin: str | None = _setting(
        None,
        "Shared anchors of a clock that runs at another rate: wall instant/campaign instant.",
        "2026-01-05T09:00:00Z/2026-01-05T09:00:00Z",
    )
    clock_file: Path | None = _setting(
        None,
        "A file whose 8 bytes are the campaign instant: tests move it, and the clock stands in between. Instead of a rate.",
        "/run/touchline/clock",
    )
    tick_seconds: float = Field(default=1.0, gt=0, le=60, description="Wall seconds between two ticks.", examples=["1"])
    session_timeout_s: float = Field(
        default=10.0, ge=1, le=300, description="Group session; a dead worker is replaced after it.", examples=["10"]
    )

    public_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://[^\s/]+$",
        description="Where recipients reach pixel, links and unsubscribe.",
        examples=["https://t.example.com"],
    )
    token_keys: SecretStr | None = _setting(
        None,
        "Live token keys ID:BASE64 (32 random bytes or more), comma-separated; the first seals. hash:BASE64 keys hashes.",
        "k1:BASE64",
    )
    data_dir: Path = _setting(
        Path(tempfile.gettempdir()) / "touchline", "Where a process may keep files.", "/var/lib/touchline"
    )
    host: str = _setting("127.0.0.1", "Address the API and the metrics listen on.", "10.0.0.5")
    api_port: int = Field(default=8080, ge=0, le=65535, description="Port of the API (0: any).", examples=["8080"])
    api_token: SecretStr | None = _setting(
        None, "Bearer token of the control API; closed without one.", "a-long-secret"
    )
    api_tokens: SecretStr | None = _setting(
        None,
        "Further bearer tokens NAME:TOKEN, comma-separated: what is done with one is noted under its name.",
        "kim:one-long-word,board:another-long-word",
    )
    webhook_secret: SecretStr | None = _setting(
        None,
        "Secret that signs calls of the generic inbound webhook; closed without one. Several: comma-separated.",
        "another-long-secret",
    )
    inbound_standard_secrets: SecretStr | None = _setting(
        None,
        "Secrets (whsec_..., env:NAME or file:PATH) of the inbound webhook by Standard Webhooks, comma-separated.",
        "whsec_BASE64",
    )
    inbound_mailgun_keys: SecretStr | None = _setting(
        None,
        "Webhook signing keys (or env:NAME, file:PATH) of the inbound webhook of Mailgun, comma-separated.",
        "key-of-the-account",
    )
    inbound_ses_topics: str | None = _setting(
        None,
        "SNS topics (ARNs) by which Amazon SES tells of mail, bounces and complaints, comma-separated.",
        "arn:aws:sns:eu-west-1:123456789012:touchline",
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of a role's /metrics, /health and /ready (0: any).",
        examples=["9100"],
    )
    log_format: Literal["console", "json"] = _setting("console", "How log lines are written.", "json")
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least severity that is logged.", "info")

    classifier_model: str = _setting("claude-haiku-4-5", "Model that classifies replies.", "claude-haiku-4-5")
    writer_model: str = _setting("claude-sonnet-4-5", "Model that writes touches.", "claude-sonnet-4-5")
    classifier_batch: int = Field(
        default=4, ge=1, le=10, description="Replies that wait at once and are read in one request.", examples=["4"]
    )
    classifier_patience_s: float = Field(
        default=900,
        ge=0,
        le=86_400,
        description="Wall seconds that a reply waits for a model that is away before a person gets it.",
        examples=["900"],
    )
    claude_daily_budget_usd: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="What Claude may cost a day (UTC), all processes together; then replies go to people, drafts wait.",
        examples=["20"],
    )
    claude_prices: str = _setting(
        "claude-haiku-4-5=1/5,claude-sonnet-4-5=3/15",
        "USD per million tokens, MODEL=INPUT/OUTPUT, comma-separated (published prices of November 2026).",
        "claude-haiku-4-5=1/5,claude-sonnet-4-5=3/15",
    )
    anthropic_api_key: SecretStr | None = _setting(
        None,
        "Key for Claude; without it replies that no recogniser knows go to people, and touches it writes wait.",
        "sk-ant-...",
        "ANTHROPIC_API_KEY",
    )
    anthropic_base_url: str | None = _setting(
        None, "Another endpoint with Anthropic's API.", "http://127.0.0.1:8089", "ANTHROPIC_BASE_URL"
    )

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _servers(cls, value: str) -> str:
        for server in value.split(","):
            if not _is_place(server.strip(), port_needed=True):
                raise ValueError(f"{server!r} is not host:port")
        return value

    @field_validator("kafka_ssl_cafile", "kafka_ssl_certfile", "kafka_ssl_keyfile", "clock_file")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @field_validator("data_dir")
    @classmethod
    def _directory(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is not a directory")
        return value

    @field_validator("postgres_dsn")
    @classmethod
    def _dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            scheme, slashes, rest = value.get_secret_value().partition("://")
            if scheme not in ("postgresql", "postgres") or not slashes:
                raise ValueError("does not begin with postgresql://")
            places = re.split(r"[/?]", rest.rpartition("@")[2], maxsplit=1)[0]
            if places and not all(_is_place(place) for place in places.split(",")):
                raise ValueError("its host and port cannot be read")
        return value

    @field_validator("anthropic_base_url")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^\s/]", value):
            raise ValueError("does not begin with http:// or https:// and a host")
        return value

    @field_validator("clock_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None:
            parse_origin(value)
        return value

    @field_validator("inbound_standard_secrets", "inbound_mailgun_keys")
    @classmethod
    def _webhook_keys(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        for entry in [] if value is None else listed(value.get_secret_value()):
            if info.field_name == "inbound_standard_secrets" and not is_reference(entry):
                standard_key(entry)
        return value

    @field_validator("inbound_ses_topics")
    @classmethod
    def _topics(cls, value: str | None) -> str | None:
        for topic in [] if value is None else listed(value):
            if region_of(topic) is None:
                raise ValueError(f"{topic!r} is no ARN of an SNS topic")
        return value

    @field_validator("token_keys")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            TokenKeys.parse(value.get_secret_value())
        return value

    @field_validator("api_tokens")
    @classmethod
    def _named(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_named_tokens(value.get_secret_value())
        return value

    @field_validator("claude_prices")
    @classmethod
    def _prices(cls, value: str) -> str:
        parse_prices(value)
        return value

    @model_validator(mode="after")
    def _together(self) -> Settings:
        for model in (self.classifier_model, self.writer_model):
            if self.claude_daily_budget_usd is not None and price_of(model, parse_prices(self.claude_prices)) is None:
                raise ValueError(f"claude_prices: has no price of {model}: a daily budget cannot be kept")
        if self.clock_rate != 1.0 and self.clock_origin is None:
            raise ValueError("clock_origin: is needed with a clock_rate: processes would disagree about the instant")
        if self.clock_file is not None and self.clock_rate != 1.0:
            raise ValueError("clock_file: says the instant by itself: it goes with no clock_rate")
        if self.kafka_security_protocol.startswith("SASL"):
            for name in ("kafka_sasl_username", "kafka_sasl_password"):
                if not getattr(self, name):
                    by = f"{env_name('kafka_security_protocol')}={self.kafka_security_protocol}"
                    raise ValueError(f"{name}: is not set, and {by} needs it")
        if self.kafka_ssl_keyfile and not self.kafka_ssl_certfile:
            raise ValueError(f"kafka_ssl_certfile: is not set, but {env_name('kafka_ssl_keyfile')} is")
        return self


def _is_place(text: str, *, port_needed: bool = False) -> bool:
    """Whether this is host:port (an IPv6 address stands in brackets), or a host alone where that is enough."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:,\[\]]+)(?::(\d{1,5}))?", text)
    if found is None:
        return False
    port = found[2]
    return 0 < int(port) < 65_536 if port is not None else not port_needed


def parse_origin(value: str) -> tuple[datetime, datetime]:
    """`WALL/CAMPAIGN`, both RFC 3339 with an offset -> two aware UTC instants."""
    wall, slash, campaign = value.partition("/")
    instants = [datetime.fromisoformat(part) for part in (wall, campaign)] if slash else []
    if not instants or any(instant.tzinfo is None for instant in instants):
        raise ValueError("must be two instants with offsets, wall/campaign")
    return instants[0].astimezone(UTC), instants[1].astimezone(UTC)


def env_name(field: str) -> str:
    """The environment variable of a field."""
    return field.upper() if field.startswith("anthropic_") else PREFIX + field.upper()


def load_settings(require: Iterable[str] = (), **overrides: Any) -> Settings:
    """Read the environment. `require` names fields this process cannot do without. Raises SettingsError."""
    problems: list[str] = []
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        for item in error.errors():
            location = str(item["loc"][0]).lower().removeprefix(PREFIX.lower()) if item["loc"] else ""
            problems.append(problem(location, item["msg"].removeprefix("Value error, ")))
        raise SettingsError(problems) from None
    problems = [problem(name, "is not set") for name in require if getattr(settings, name) is None]
    if problems:
        raise SettingsError(problems)
    return settings


def problem(field: str, message: str) -> str:
    """One line of a SettingsError. Without a field, a message says it itself: `field: message`."""
    if not field:
        field, _, message = message.partition(": ")
    return f"{env_name(field)}: {message}. Example: {env_name(field)}={_example(field)}"


def _example(field: str) -> str:
    return str((Settings.model_fields[field].examples or [""])[0])


def example_file() -> str:
    """The text of `.env.example`: every setting with its meaning, its example commented out."""
    lines = ["# Settings of Touchline. Generated by: python -m streams.settings --example"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None or name == "data_dir" else f" Default: {field.default}"
        lines += ["", f"# {field.description}{default}", f"#{env_name(name)}={_example(name)}"]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Print the example file, or compare it with a file (exit 1 when they differ)."""
    if arguments[:1] == ["--check"]:
        path = Path(arguments[1] if len(arguments) > 1 else ".env.example")
        if path.is_file() and path.read_text() == example_file():
            return 0
        sys.stderr.write(f"{path} differs from the settings: run python -m streams.settings --example > {path}\n")
        return 1
    sys.stdout.write(example_file())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
