from __future__ import annotations

import argparse

import pytest

from airflow_provider_ims.emulator import StsCredential
from airflow_provider_ims.emulator.command_options import OPTIONS, CommandOption, read_environment

#: Option -> (the value of its variable, the parsed value).
EXAMPLES = {
    "host": ("::1", "::1"),
    "port": ("8021", 8021),
    "allow-remote": ("true", True),
    "region": ("cn-beijing", "cn-beijing"),
    "state": ("my jobs.db", "my jobs.db"),
    "clock": ("manual", "manual"),
    "duration": (
        "SubmitASRJob=1.5 SubmitTextGenerateJob=0",
        [("SubmitASRJob", 1.5), ("SubmitTextGenerateJob", 0.0)],
    ),
    "access-key": ("key:se:cret other:secret", [("key", "se:cret"), ("other", "secret")]),
    "sts-token": ("STS.key:secret:to:ken", [StsCredential("STS.key", "secret", "to:ken")]),
    "bearer-token": ("one two", ["one", "two"]),
    "list-text-jobs": ("no", False),
    "callback-host": ("receiver.test *", ["receiver.test", "*"]),
    "queue": ("ice-callback-a ice-callback-b", ["ice-callback-a", "ice-callback-b"]),
    "queue-base64": ("yes", True),
    "strict": ("true", True),
    "public-url": ("https://emulator.test/ims", "https://emulator.test/ims"),
    "tls-cert": ("cert.pem", "cert.pem"),
    "tls-key": ("key.pem", "key.pem"),
    "quiet": ("1", True),
}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    for option in OPTIONS:
        option.add_to(parser)
    return parser


def test_every_option_is_a_test_case() -> None:
    assert [option.name for option in OPTIONS] == list(EXAMPLES)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_variable_sets_the_same_value_as_the_command_line(option: CommandOption) -> None:
    text, value = EXAMPLES[option.name]
    assert read_environment({option.variable: text}) == {option.dest: value}
    if option.metavar:
        words = text.split() if option.many else [text]
        assert vars(parser().parse_args([f"--{option.name}", *words])) == {option.dest: value}
    else:
        assert vars(parser().parse_args([f"--{option.name}"])) == {option.dest: True}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_help_contains_the_variable(option: CommandOption) -> None:
    assert option.variable == "IMS_EMULATOR_" + option.name.replace("-", "_").upper()
    assert f"{option.variable})" in " ".join(parser().format_help().split())


def test_empty_and_unknown_variables_are_ignored() -> None:
    # Kubernetes sets such variables for a service with the name ims-emulator.
    assert read_environment({"IMS_EMULATOR_HOST": " ", "IMS_EMULATOR_SERVICE_HOST": "192.0.2.1"}) == {}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "tcp://192.0.2.1:8020", "'tcp://192.0.2.1:8020' is not a port"),
        ("PORT", "65536", "'65536' is not a port"),
        ("PORT", "9" * 5000, "is not a port"),
        ("QUIET", "maybe", "'maybe' is not one of 1, true, yes, 0, false, no"),
        ("CLOCK", "sundial", "'sundial' is not one of auto, manual"),
        ("DURATION", "SubmitASRJob=nan", "nan is not between 0 and"),
        ("DURATION", "SubmitASRJob=-1", "-1 is not between 0 and"),
        ("DURATION", "SubmitASRJob=1e308", "1e308 is not between 0 and"),
        ("ACCESS_KEY", "only-an-id", "ID:SECRET"),
        ("STS_TOKEN", "id:secret", "ID:SECRET:TOKEN"),
        ("STS_TOKEN", "id:secret:", "ID:SECRET:TOKEN"),
    ],
)
def test_the_error_contains_the_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=message) as raised:
        read_environment({f"IMS_EMULATOR_{name}": value})
    assert str(raised.value).startswith(f"environment variable IMS_EMULATOR_{name}: ")


def test_the_error_does_not_contain_a_secret() -> None:
    for name in ("ACCESS_KEY", "STS_TOKEN"):
        with pytest.raises(argparse.ArgumentTypeError) as raised:
            read_environment({f"IMS_EMULATOR_{name}": ":hidden"})
        assert "hidden" not in str(raised.value)
