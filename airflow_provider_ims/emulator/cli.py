"""The ``ims-emulator`` command."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence

from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.server.emulator import ImsEmulator

DEFAULT_PORT = 8020


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run an emulator until SIGINT or SIGTERM, and return the exit code.

    :param arguments: Command-line arguments; default: those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        parser.error(
            f"with --host {options.host}, other machines can use the control interface, which has no authentication;"
            " add --allow-remote to allow this"
        )
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
        emulator = ImsEmulator(
            durations=dict(options.duration),
            clock=options.clock,
            state=options.state,
            host=options.host,
            port=options.port,
            access_keys=dict(options.access_key) or None,
            list_text_jobs=options.list_text_jobs,
            callback_hosts=options.callback_host,
            strict=options.strict,
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
        ).start()
    except (OSError, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"ims-emulator: {error}\n")
        return 1
    try:
        sys.stdout.write(
            f"IMS and VOD at {emulator.url} (control: {emulator.url}/_emulator/health)\n"
            f"AIRFLOW_CONN_IMS_DEFAULT='{emulator.connection_uri}'\n"
        )
        sys.stdout.flush()
        ended.wait()
    finally:
        emulator.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ims-emulator", description="Emulates Alibaba Cloud IMS and VOD locally, without an account or charges."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port; 0 selects a free one (default: %(default)s)"
    )
    parser.add_argument("--allow-remote", action="store_true", help="allow a --host that other machines can reach")
    parser.add_argument("--state", metavar="FILE", help="SQLite file for the jobs (default: in memory)")
    parser.add_argument(
        "--clock",
        choices=("auto", "manual"),
        default="auto",
        help="manual: jobs progress only when the clock is advanced",
    )
    defaults = ", ".join(f"{action} {kind.seconds:g}" for action, kind in JOB_KINDS.items())
    parser.add_argument(
        "--duration",
        metavar="ACTION=SECONDS",
        type=_duration,
        nargs="+",
        action="extend",
        default=[],
        help=f"duration of the jobs (default: {defaults})",
    )
    parser.add_argument(
        "--access-key",
        metavar="ID:SECRET",
        type=_access_key,
        action="append",
        default=[],
        help="access key to accept instead of the built-in one; may be repeated",
    )
    parser.add_argument("--list-text-jobs", action="store_true", help="list text jobs in ListSmartJobs")
    parser.add_argument(
        "--callback-host",
        metavar="HOST",
        action="append",
        default=[],
        help="host to send callbacks to, besides this machine; * for all; may be repeated",
    )
    parser.add_argument("--strict", action="store_true", help="refuse undocumented keys in JSON parameters")
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM) for HTTPS")
    parser.add_argument("--tls-key", metavar="FILE", help="private key of the certificate (PEM)")
    parser.add_argument("--quiet", action="store_true", help="do not log requests")
    return parser


def _duration(text: str) -> tuple[str, float]:
    action, _, seconds = text.partition("=")
    if action not in JOB_KINDS:
        raise argparse.ArgumentTypeError(f"{action!r} is not one of {', '.join(JOB_KINDS)}")
    try:
        return action, float(seconds)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not ACTION=SECONDS") from None


def _access_key(text: str) -> tuple[str, str]:
    key_id, _, secret = text.partition(":")
    if not key_id or not secret:
        raise argparse.ArgumentTypeError("an access key must have the format ID:SECRET")
    return key_id, secret


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
