from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.hooks.settings import CONSOLE_URL, CREDENTIAL_FIELDS, READ_TIMEOUT, Settings, read_settings


def settings(login: str | None = "key", password: str | None = "secret", **extra: Any) -> Settings:
    return read_settings(connection(login, password, **extra))


def connection(login: str | None = "key", password: str | None = "secret", **extra: Any) -> Connection:
    return Connection(
        conn_id="media", conn_type="alibabacloud_ims", login=login, password=password, extra=json.dumps(extra)
    )


def test_an_access_key_alone_gives_the_defaults() -> None:
    assert settings() == Settings(
        region_id=None,
        credential={"type": "access_key", "access_key_id": "key", "access_key_secret": "secret"},
        endpoints={},
        network="public",
        protocol="https",
        connect_timeout=5.0,
        read_timeout=30.0,
        https_proxy=None,
        ca=None,
        console_url=CONSOLE_URL,
    )


def test_every_extra_is_read() -> None:
    assert settings(
        region_id="cn-beijing",
        credential_type="sts",
        security_token="token",
        ims_endpoint="localhost:1",
        vod_endpoint="localhost:2",
        network="vpc",
        protocol="http",
        connect_timeout="1.5",
        read_timeout=60,
        https_proxy="http://user:pass@proxy:3128",
        ca="/etc/ca.pem",
        console_url="https://console.example.com/{job_id}",
    ) == Settings(
        region_id="cn-beijing",
        credential={
            "type": "sts",
            "access_key_id": "key",
            "access_key_secret": "secret",
            "security_token": "token",
        },
        endpoints={"ice": "localhost:1", "vod": "localhost:2"},
        network="vpc",
        protocol="http",
        connect_timeout=1.5,
        read_timeout=60.0,
        https_proxy="http://user:pass@proxy:3128",
        ca="/etc/ca.pem",
        console_url="https://console.example.com/{job_id}",
    )


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_field_that_holds_nothing_counts_as_not_given(nothing: str | None) -> None:
    fields = ("region_id", "credential_type", "security_token", "ims_endpoint", "vod_endpoint", "network")
    fields += ("protocol", "connect_timeout", "read_timeout", "https_proxy", "ca")
    assert settings(**dict.fromkeys(fields, nothing)) == settings()


def test_the_region_of_the_task_goes_over_that_of_the_connection() -> None:
    given = connection(region_id="cn-beijing")
    assert read_settings(given, "cn-shanghai").region_id == "cn-shanghai"
    assert read_settings(given, None).region_id == "cn-beijing"


def test_space_around_a_pasted_value_is_dropped() -> None:
    given = settings(login=" key\n", password="\tsecret \n", security_token=" token\n", region_id=" cn-shanghai ")
    assert given.credential == {
        "type": "sts",
        "access_key_id": "key",
        "access_key_secret": "secret",
        "security_token": "token",
    }
    assert given.region_id == "cn-shanghai"


def test_a_connection_of_the_existing_type_is_read() -> None:
    existing = Connection(
        conn_id="alibaba",
        conn_type="alibaba_cloud",
        extra=json.dumps({"access_key_id": "key", "access_key_secret": "secret", "region": "cn-hangzhou"}),
    )
    given = read_settings(existing)
    assert given.credential == {"type": "access_key", "access_key_id": "key", "access_key_secret": "secret"}
    assert given.endpoint("ice") == "ice.cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("login", "password", "extra", "implied"),
    [
        ("key", "secret", {}, "access_key"),
        ("key", "secret", {"security_token": "token"}, "sts"),
        (None, None, {}, None),
        ("", "", {}, None),
        (None, None, {"credential_type": "default"}, None),
        ("key", "secret", {"credential_type": "default"}, None),
    ],
)
def test_the_credential_type_follows_from_what_is_filled_in(
    login: str | None, password: str | None, extra: dict[str, str], implied: str | None
) -> None:
    assert settings(login, password, **extra).credential.get("type") == implied


@pytest.mark.parametrize(
    ("login", "password", "extra", "named"),
    [
        ("key", None, {}, "access_key needs password"),
        (None, "secret", {}, "access_key needs login"),
        (" ", "secret", {}, "access_key needs login"),
        (None, None, {"credential_type": "access_key"}, "access_key needs login and password"),
        ("key", "secret", {"credential_type": "sts"}, "sts needs extra security_token"),
        (None, "secret", {"security_token": "token"}, "sts needs login"),
        (
            "key",
            "secret",
            {"credential_type": "password"},
            "credential_type is not one of access_key, sts,",
        ),
    ],
)
def test_half_filled_credentials_name_what_is_missing(
    login: str | None, password: str | None, extra: dict[str, str], named: str
) -> None:
    with pytest.raises(ImsCredentialsError) as refused:
        settings(login, password, **extra)
    assert "Connection media: " in str(refused.value)
    assert named in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"network": "private"}, "network"),
        ({"protocol": "ftp"}, "protocol"),
        ({"connect_timeout": "soon"}, "connect_timeout"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"read_timeout": -1}, "read_timeout"),
        ({"read_timeout": "nan"}, "read_timeout"),
        ({"read_timeout": "inf"}, "read_timeout"),
        ({"ims_endpoint": "http://localhost:8080"}, "ims_endpoint"),
        ({"vod_endpoint": "localhost:8080/path"}, "vod_endpoint"),
    ],
)
def test_a_field_without_meaning_is_refused_by_name(extra: dict[str, Any], field: str) -> None:
    with pytest.raises(ImsRequestError) as refused:
        settings(**extra)
    assert refused.value.field == field
    assert f"Connection media: {field} " in str(refused.value)


@pytest.mark.parametrize(("given", "read"), [("HTTPS", "https"), ("Http", "http")])
def test_choices_are_read_without_case(given: str, read: str) -> None:
    assert settings(protocol=given).protocol == read


def test_no_secret_is_shown() -> None:
    shown = repr(settings(security_token="token-5", https_proxy="http://user:pass-7@proxy"))
    for secret in ("secret", "token-5", "pass-7"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("extra", "ice", "vod"),
    [
        ({"region_id": "cn-shanghai"}, "ice.cn-shanghai.aliyuncs.com", "vod.cn-shanghai.aliyuncs.com"),
        (
            {"region_id": "ap-southeast-1", "network": "vpc"},
            "ice-vpc.ap-southeast-1.aliyuncs.com",
            "vod-vpc.ap-southeast-1.aliyuncs.com",
        ),
        (
            {"region_id": "cn-shanghai", "ims_endpoint": "localhost:1"},
            "localhost:1",
            "vod.cn-shanghai.aliyuncs.com",
        ),
        ({"ims_endpoint": "localhost:1", "vod_endpoint": "localhost:2"}, "localhost:1", "localhost:2"),
        ({"ims_endpoint": "localhost:1", "vod_endpoint": "[::1]:2", "network": "vpc"}, "localhost:1", "[::1]:2"),
    ],
)
def test_the_endpoint(extra: dict[str, str], ice: str, vod: str) -> None:
    given = settings(**extra)
    assert given.endpoint("ice") == ice
    assert given.endpoint("vod") == vod


def test_without_region_and_endpoint_the_region_is_asked_for() -> None:
    given = settings(ims_endpoint="localhost:1")
    assert given.endpoint("ice") == "localhost:1"
    with pytest.raises(ImsRequestError, match="set region_id on the task or in the connection") as refused:
        given.endpoint("vod")
    assert refused.value.field == "region_id"


def test_the_default_time_out_lets_a_slow_answer_come() -> None:
    assert settings(read_timeout=None).read_timeout == READ_TIMEOUT


NEEDS = [(kind, place) for kind, fields in CREDENTIAL_FIELDS.items() for place in fields.values()]
COMPLETE = {
    "security_token": "token",
    "role_arn": "acs:ram::1:role/media",
    "oidc_provider_arn": "acs:ram::1:oidc-provider/k8s",
    "oidc_token_file_path": "/var/token",
    "public_key_id": "key-1",
    "private_key_file": "/etc/key.pem",
    "credentials_uri": "http://localhost:7002/credentials",
    "bearer_token": "bearer",
}


def of_type(kind: str, without: str = "") -> Connection:
    """Return a connection with all that a credential type needs, or with one field of it left out."""
    places = [place for place in CREDENTIAL_FIELDS[kind].values() if place != without]
    extra = {name: COMPLETE[name] for name in (place.removeprefix("extra ") for place in places) if name in COMPLETE}
    login, password = ("key" if "login" in places else None), ("secret" if "password" in places else None)
    return connection(login, password, credential_type=kind, **extra)


@pytest.mark.parametrize(("kind", "place"), NEEDS)
def test_whatever_a_credential_type_lacks_is_named(kind: str, place: str) -> None:
    with pytest.raises(ImsCredentialsError, match=f"credential type {kind} needs {place}"):
        read_settings(of_type(kind, without=place))


@pytest.mark.parametrize("kind", CREDENTIAL_FIELDS)
def test_a_credential_type_gets_all_that_it_needs(kind: str) -> None:
    credential = read_settings(of_type(kind)).credential
    assert set(credential) == ({"type", *CREDENTIAL_FIELDS[kind]} if kind != "default" else set())


@pytest.mark.parametrize("kind", CREDENTIAL_FIELDS)
def test_the_type_may_be_left_out_where_what_is_filled_in_tells_it(kind: str) -> None:
    given = of_type(kind)
    extra = {name: value for name, value in given.extra_dejson.items() if name != "credential_type"}
    implied = read_settings(connection(given.login, given.password, **extra)).credential.get("type")
    # Neither is told by a field that must be there.
    assert implied == (kind if kind not in ("ecs_ram_role", "default") else None)


def test_a_connection_may_be_an_address() -> None:
    uri = (
        "alibabacloud-ims://key:s%2Fecret@/?role_arn=acs%3Aram%3A%3A1%3Arole%2Fmedia&role_session_expiration=1800"
        "&external_id=x"
    )
    given = read_settings(Connection.from_uri(uri, conn_id="media")).credential
    assert given == {
        "type": "ram_role_arn",
        "access_key_id": "key",
        "access_key_secret": "s/ecret",
        "role_arn": "acs:ram::1:role/media",
        "role_session_expiration": 1800,
        "external_id": "x",
    }


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"role_name": "r"}, "no credential type takes all of role_name, login, password"),
        ({"credential_type": "access_key", "role_arn": "r"}, "role_arn is filled in"),
        ({"credential_type": "access_key", "security_token": "t"}, "security_token is filled in"),
        ({"credential_type": "sts", "security_token": "t", "policy": "{}"}, "policy is filled in"),
        ({"role_arn": "r", "role_session_expiration": "899"}, "role_session_expiration is not a whole number"),
        ({"role_arn": "r", "role_session_expiration": "1800.5"}, "role_session_expiration is not a whole number"),
        ({"role_arn": "r", "policy": "allow all"}, "policy is not a JSON object"),
        ({"credential_type": "credentials_uri", "credentials_uri": "localhost"}, "credentials_uri is no http"),
        ({"credential_type": "credentials_uri", "credentials_uri": "http://u:p@host/"}, "credentials_uri has no host"),
    ],
)
def test_what_would_not_do_what_is_written_is_refused(extra: dict[str, str], named: str) -> None:
    with pytest.raises(ImsCredentialsError) as refused:
        settings(**extra)
    assert named in str(refused.value)


def test_a_chosen_type_ignores_what_another_one_was_filled_in_for() -> None:
    given = settings(credential_type="bearer", bearer_token="b", role_name="r", external_id="e")
    assert given.credential == {"type": "bearer", "bearer_token": "b"}


@pytest.mark.parametrize("policy", ['{"Version": "1", "Statement": []}', {"Version": "1", "Statement": []}])
def test_a_policy_is_text_or_an_object_and_loses_its_spaces(policy: Any) -> None:
    assert settings(role_arn="r", policy=policy).credential["policy"] == '{"Version":"1","Statement":[]}'


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://localhost", "http://localhost:80/"),
        ("https://host/a?b=c", "https://host:443/a?b=c"),
        ("http://[::1]:7002/x", "http://[::1]:7002/x"),
    ],
)
def test_a_credentials_uri_has_a_port(given: str, read: str) -> None:
    assert settings(None, None, credentials_uri=given).credential["credentials_uri"] == read


def test_inside_a_vpc_sts_is_asked_there() -> None:
    given = {"role_arn": "r", "network": "vpc", "region_id": "cn-beijing"}
    assert settings(**given).credential["sts_endpoint"] == "sts-vpc.cn-beijing.aliyuncs.com"
    assert settings(**given, sts_endpoint="sts.example.com").credential["sts_endpoint"] == "sts.example.com"
    assert "sts_endpoint" not in settings(**{**given, "network": "public"}).credential


def test_secrets_inside_of_addresses_are_masked() -> None:
    from airflow.providers.common.compat.sdk import redact

    settings(https_proxy="http://user:pa%40ss-77@proxy:3128")
    settings(None, None, credentials_uri="http://localhost:7002/c?token=uri-token-88")
    assert redact("pa@ss-77 pa%40ss-77 uri-token-88") == "*** *** ***"
