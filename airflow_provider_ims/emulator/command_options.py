"""The command-line options of the emulator. Each option can also be set with an environment variable."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.settings import StsCredential
from airflow_provider_ims.emulator.state.clock import MAX_SECONDS

SWITCH_VALUES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class CommandOption:
    """
    A command-line option.

    :param name: The name of the option without the leading dashes.
    :param meaning: The description of the option in the help text.
    :param metavar: The name of the option's value in the help text; empty for a switch, which has no value.
    :param parse: A function that parses a value, and raises ArgumentTypeError if the value is invalid.
    :param default: The default value. If it is None, the description contains the default, or the option has none.
    :param many: Whether the option accepts several values.
    """

    name: str
    meaning: str
    metavar: str = ""
    parse: Callable[[str], Any] = str
    default: Any = None
    many: bool = False

    @property
    def dest(self) -> str:
        """The name of the attribute that contains the option's value in the parsed arguments."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The name of the environment variable that sets the option."""
        return f"IMS_EMULATOR_{self.dest.upper()}"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """
        Add the option to a parser.

        The parser does not set the default. Otherwise, a default would look like a value from the command line and
        override the environment variable.
        """
        default = "" if self.default is None else f"default: {self.default}; "
        help_text = f"{self.meaning} ({default}{self.variable})".replace("%", "%%")
        value: dict[str, Any] = {"action": "store_true"}
        if self.metavar:
            value = {"type": self.parse, "metavar": self.metavar}
        if self.many:
            value |= {"nargs": "+", "action": "extend"}
        parser.add_argument(f"--{self.name}", dest=self.dest, help=help_text, default=argparse.SUPPRESS, **value)

    def from_text(self, text: str) -> Any:
        """
        Parse the value of the environment variable.

        :raises ArgumentTypeError: If the value is invalid.
        """
        if not self.metavar:
            return _switch(text)
        return [self.parse(word) for word in text.split()] if self.many else self.parse(text)

    def unset(self) -> Any:
        """Return the value of the option if neither the command line nor the environment sets it."""
        if self.many:
            return []
        return self.default if self.metavar else False


def read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the options that are set in environment variables. Empty variables are ignored.

    :raises ArgumentTypeError: If a value is invalid.
    """
    found = {}
    for option in OPTIONS:
        if text := environment.get(option.variable, "").strip():
            try:
                found[option.dest] = option.from_text(text)
            except argparse.ArgumentTypeError as error:
                raise argparse.ArgumentTypeError(f"environment variable {option.variable}: {error}") from None
    return found


def _switch(text: str) -> bool:
    if text.lower() not in SWITCH_VALUES:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(SWITCH_VALUES)}")
    return SWITCH_VALUES[text.lower()]


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:6]) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _clock(text: str) -> str:
    if text not in ("auto", "manual"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of auto, manual")
    return text


def _duration(text: str) -> tuple[str, float]:
    action, _, seconds = text.partition("=")
    if action not in JOB_KINDS:
        raise argparse.ArgumentTypeError(f"{action!r} is not one of {', '.join(JOB_KINDS)}")
    try:
        duration = float(seconds)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} does not have the format ACTION=SECONDS") from None
    if not 0 <= duration <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{seconds} is not between 0 and {MAX_SECONDS:,.0f} seconds")
    return action, duration


# The error messages of the next two functions do not contain the value, because it is a secret.
def _access_key(text: str) -> tuple[str, str]:
    key_id, _, secret = text.partition(":")
    if not key_id or not secret:
        raise argparse.ArgumentTypeError("an AccessKey pair must have the format ID:SECRET")
    return key_id, secret


def _sts_token(text: str) -> StsCredential:
    key_id, _, rest = text.partition(":")
    secret, _, token = rest.partition(":")
    if not key_id or not secret or not token:
        raise argparse.ArgumentTypeError("an STS token must have the format ID:SECRET:TOKEN")
    return StsCredential(key_id, secret, token)


OPTIONS = (
    CommandOption("host", "address to listen on", "ADDRESS", default="127.0.0.1"),
    CommandOption("port", "port to listen on; 0 selects a free port", "PORT", _port, default=8020),
    CommandOption("allow-remote", "allow a host address that other machines can reach"),
    CommandOption(
        "region",
        "region of the Airflow connection and of requests that specify no region",
        "REGION",
        default="cn-shanghai",
    ),
    CommandOption("state", "SQLite file that stores jobs, resources, queues and requests; default: in memory", "FILE"),
    CommandOption(
        "clock",
        "auto: the job clock follows real time; manual: jobs progress only when the clock is advanced",
        "auto|manual",
        _clock,
        default="auto",
    ),
    CommandOption("duration", "duration of the jobs of a submit action", "ACTION=SECONDS", _duration, many=True),
    CommandOption(
        "access-key", "AccessKey pair to accept instead of the built-in pair", "ID:SECRET", _access_key, many=True
    ),
    CommandOption("sts-token", "temporary credential to accept", "ID:SECRET:TOKEN", _sts_token, many=True),
    CommandOption("bearer-token", "bearer token to accept", "TOKEN", many=True),
    CommandOption("list-text-jobs", "list all smart jobs in ListSmartJobs, including text jobs"),
    CommandOption(
        "callback-host",
        "host to which callbacks are allowed, in addition to localhost and loopback addresses; * for all hosts",
        "HOST",
        many=True,
    ),
    CommandOption(
        "queue",
        "SMQ queue that exists from the start; default: each queue is created when it is first used",
        "NAME",
        many=True,
    ),
    CommandOption("queue-base64", "base64-encode callbacks that are sent to SMQ queues"),
    CommandOption("strict", "reject requests with undocumented keys in JSON parameters"),
    CommandOption(
        "public-url",
        "URL at which clients reach the server, used in signed URLs; default: the URL of the server",
        "URL",
    ),
    CommandOption("tls-cert", "certificate chain (PEM) for HTTPS", "FILE"),
    CommandOption("tls-key", "private key of the certificate (PEM)", "FILE"),
    CommandOption("quiet", "log only warnings and errors"),
)
