"""The ``ims-emulator`` command."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence

from airflow_provider_ims import __version__
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.command_options import OPTIONS, read_environment
from airflow_provider_ims.emulator.server.emulator import ImsEmulator
from airflow_provider_ims.emulator.server.post import is_loopback

PROGRAM = "ims-emulator"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run an emulator until the process receives SIGINT or SIGTERM.

    Return the exit code, which is 1 if the emulator fails to start, and 0 otherwise.

    :param arguments: Command-line arguments; default: the arguments of the process.
    :raises SystemExit: If an option is invalid, or the arguments contain ``--help`` or ``--version``.
    """
    options = _options(arguments)
    logging.basicConfig(
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stdout,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        emulator = _emulator(options).start()
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    try:
        sys.stdout.write(_start_message(emulator))
        sys.stdout.flush()
        ended.wait()
    finally:
        emulator.stop()
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return all options. The command line overrides the environment, and the environment overrides the defaults."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Emulates Alibaba Cloud IMS and VOD locally, without a cloud account or charges.",
        epilog="Default durations in seconds: "
        + ", ".join(f"{action} {kind.seconds:g}" for action, kind in JOB_KINDS.items())
        + ". Each option can also be set with the environment variable in parentheses; the command line takes"
        " precedence. To set several values, separate them with spaces. Other users of the machine can read the command"
        " line of a process, but not its environment variables, so use environment variables for secrets.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    for option in OPTIONS:
        option.add_to(parser)
    given = vars(parser.parse_args(arguments))
    try:
        from_environment = read_environment(os.environ)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    unset = {option.dest: option.unset() for option in OPTIONS}
    options = argparse.Namespace(**{**unset, **from_environment, **given})
    if not options.allow_remote and not is_loopback(options.host):
        parser.error(
            f"with --host {options.host}, other machines can use the control interface, which has no authentication;"
            " add --allow-remote to allow this"
        )
    return options


def _emulator(options: argparse.Namespace) -> ImsEmulator:
    return ImsEmulator(
        durations=dict(options.duration),
        clock=options.clock,
        state=options.state,
        host=options.host,
        port=options.port,
        access_keys=dict(options.access_key) or None,
        sts_tokens=options.sts_token,
        bearer_tokens=options.bearer_token,
        region_id=options.region,
        list_text_jobs=options.list_text_jobs,
        callback_hosts=options.callback_host,
        queues=options.queue,
        queue_base64=options.queue_base64,
        strict=options.strict,
        public_url=options.public_url,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
    )


def _start_message(emulator: ImsEmulator) -> str:
    """Return the URLs of the emulator, and the environment variables with which Airflow and the SDKs connect to it."""
    credential = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.access_key_secret,
    }
    if emulator.settings.sts_tokens:
        sts = emulator.settings.sts_tokens[0]
        credential = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": sts.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sts.access_key_secret,
            "ALIBABA_CLOUD_SECURITY_TOKEN": sts.security_token,
        }
    lines = [
        f"IMS and VOD at {emulator.url} (control: {emulator.url}/_emulator/health)",
        f"For SDKs: endpoint {emulator.endpoint}, protocol {emulator.url.partition('://')[0]}",
        f"AIRFLOW_CONN_IMS_DEFAULT='{emulator.connection_uri}'",
        *(f"{name}={shlex.quote(value)}" for name, value in credential.items()),
    ]
    return "\n".join(lines) + "\n"
