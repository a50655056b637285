from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.hooks._settings import CONSOLE_URL, READ_TIMEOUT, REQUIRED_FIELDS, Settings, read_settings


def settings(login: str | None = "key", password: str | None = "secret", **extra: Any) -> Settings:
    return read_settings(connection(login, password, **extra))


def connection(login: str | None = "key", password: str | None = "secret", **extra: Any) -> Connection:
    return Connection(
        conn_id="media", conn_type="alibabacloud_ims", login=login, password=password, extra=json.dumps(extra)
    )


def test_with_an_access_key_pair_alone_all_other_settings_are_the_defaults() -> None:
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
        smq_queue="ice-callback-a",
        smq_endpoint="localhost:3",
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
        endpoints={"ice": "localhost:1", "vod": "localhost:2", "mns": "localhost:3"},
        network="vpc",
        protocol="http",
        connect_timeout=1.5,
        read_timeout=60.0,
        https_proxy="http://user:pass@proxy:3128",
        ca="/etc/ca.pem",
        console_url="https://console.example.com/{job_id}",
        smq_queue="ice-callback-a",
    )


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_field_is_the_same_as_a_missing_field(empty: str | None) -> None:
    fields = ("region_id", "credential_type", "security_token", "ims_endpoint", "vod_endpoint", "network")
    fields += ("protocol", "connect_timeout", "read_timeout", "https_proxy", "ca", "smq_queue", "smq_endpoint")
    assert settings(**dict.fromkeys(fields, empty)) == settings()


def test_the_region_of_the_task_overrides_the_region_of_the_connection() -> None:
    given = connection(region_id="cn-beijing")
    assert read_settings(given, "cn-shanghai").region_id == "cn-shanghai"
    assert read_settings(given, None).region_id == "cn-beijing"


def test_whitespace_around_a_value_is_removed() -> None:
    given = settings(login=" key\n", password="\tsecret \n", security_token=" token\n", region_id=" cn-shanghai ")
    assert given.credential == {
        "type": "sts",
        "access_key_id": "key",
        "access_key_secret": "secret",
        "security_token": "token",
    }
    assert given.region_id == "cn-shanghai"


def test_a_connection_of_type_alibaba_cloud_is_read() -> None:
    existing = Connection(
        conn_id="alibaba",
        conn_type="alibaba_cloud",
        extra=json.dumps({"access_key_id": "key", "access_key_secret": "secret", "region": "cn-hangzhou"}),
    )
    given = read_settings(existing)
    assert given.credential == {"type": "access_key", "access_key_id": "key", "access_key_secret": "secret"}
    assert given.endpoint("ice") == "ice.cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize(
    ("login", "password", "extra", "inferred"),
    [
        ("key", "secret", {}, "access_key"),
        ("key", "secret", {"security_token": "token"}, "sts"),
        (None, None, {}, None),
        ("", "", {}, None),
        (None, None, {"credential_type": "default"}, None),
        ("key", "secret", {"credential_type": "default"}, None),
    ],
)
def test_the_credential_type_is_inferred_from_the_fields_that_are_set(
    login: str | None, password: str | None, extra: dict[str, str], inferred: str | None
) -> None:
    assert settings(login, password, **extra).credential.get("type") == inferred


@pytest.mark.parametrize(
    ("login", "password", "extra", "named"),
    [
        ("key", None, {}, "access_key requires password"),
        (None, "secret", {}, "access_key requires login"),
        (" ", "secret", {}, "access_key requires login"),
        (None, None, {"credential_type": "access_key"}, "access_key requires login and password"),
        ("key", "secret", {"credential_type": "sts"}, "sts requires extra security_token"),
        (None, "secret", {"security_token": "token"}, "sts requires login"),
        (
            "key",
            "secret",
            {"credential_type": "password"},
            "credential_type is not one of access_key, sts,",
        ),
    ],
)
def test_the_error_for_incomplete_credentials_contains_the_missing_fields(
    login: str | None, password: str | None, extra: dict[str, str], named: str
) -> None:
    with pytest.raises(ImsCredentialsError) as caught:
        settings(login, password, **extra)
    assert "Connection media: " in str(caught.value)
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


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
        ({"policy": {"Version": float("nan")}}, "policy"),
        ({"ims_endpoint": "http://localhost:8080"}, "ims_endpoint"),
        ({"vod_endpoint": "localhost:8080/path"}, "vod_endpoint"),
        ({"smq_endpoint": "https://1.mns.cn-shanghai.aliyuncs.com"}, "smq_endpoint"),
        ({"smq_queue": "callback"}, "smq_queue"),
        ({"smq_queue": "ice-callback-"}, "smq_queue"),
        ({"smq_queue": "ice-callback-a/b"}, "smq_queue"),
        ({"smq_queue": "ice-callback-é"}, "smq_queue"),
    ],
)
def test_the_error_for_an_invalid_field_contains_its_name(extra: dict[str, Any], field: str) -> None:
    with pytest.raises(ImsRequestError) as caught:
        settings(**extra)
    assert caught.value.field == field
    assert f"Connection media: {field} " in str(caught.value)


@pytest.mark.parametrize(("given", "read"), [("HTTPS", "https"), ("Http", "http")])
def test_choices_are_case_insensitive(given: str, read: str) -> None:
    assert settings(protocol=given).protocol == read


def test_the_repr_contains_no_secret() -> None:
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
def test_an_endpoint_is_derived_from_the_region_and_the_network_unless_it_is_set(
    extra: dict[str, str], ice: str, vod: str
) -> None:
    given = settings(**extra)
    assert given.endpoint("ice") == ice
    assert given.endpoint("vod") == vod


@pytest.mark.parametrize(
    "region",
    ["cn-shanghai.example.com", "a/b", "example.com#", "cn shanghai", "user@host", "cn\nshanghai", "地", "x" * 65],
)
def test_a_region_that_could_change_the_host_is_rejected(region: str) -> None:
    for given, argument in (
        (connection(), region),
        (connection(region_id=region), None),
        (connection(region=region), None),
    ):
        with pytest.raises(ImsRequestError, match="region_id: must be a region such as cn-shanghai") as caught:
            read_settings(given, argument)
        assert caught.value.field == "region_id"
        assert region not in str(caught.value)


def test_a_missing_region_is_an_error_unless_an_endpoint_is_set() -> None:
    given = settings(ims_endpoint="localhost:1")
    assert given.endpoint("ice") == "localhost:1"
    with pytest.raises(ImsRequestError, match="set region_id on the task or in the connection") as caught:
        given.endpoint("vod")
    assert caught.value.field == "region_id"


def test_the_endpoint_of_the_queue_is_never_derived() -> None:
    given = settings(region_id="cn-shanghai", network="vpc", smq_queue="ice-callback-a")
    with pytest.raises(ImsRequestError, match="set smq_endpoint") as raised:
        given.endpoint("mns")
    assert raised.value.field == "smq_endpoint"


def test_an_empty_read_timeout_is_the_default() -> None:
    assert settings(read_timeout=None).read_timeout == READ_TIMEOUT


NEEDS = [(kind, place) for kind, fields in REQUIRED_FIELDS.items() for place in fields.values()]
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
    """Return a connection with the required fields of a credential type, except the field ``without``."""
    places = [place for place in REQUIRED_FIELDS[kind].values() if place != without]
    extra = {name: COMPLETE[name] for name in (place.removeprefix("extra ") for place in places) if name in COMPLETE}
    login, password = ("key" if "login" in places else None), ("secret" if "password" in places else None)
    return connection(login, password, credential_type=kind, **extra)


@pytest.mark.parametrize(("kind", "place"), NEEDS)
def test_the_error_for_a_missing_required_field_contains_its_name(kind: str, place: str) -> None:
    with pytest.raises(ImsCredentialsError, match=f"credential type {kind} requires {place}"):
        read_settings(of_type(kind, without=place))


@pytest.mark.parametrize("kind", REQUIRED_FIELDS)
def test_a_credential_contains_the_required_fields_of_its_type(kind: str) -> None:
    credential = read_settings(of_type(kind)).credential
    assert set(credential) == ({"type", *REQUIRED_FIELDS[kind]} if kind != "default" else set())


@pytest.mark.parametrize("kind", REQUIRED_FIELDS)
def test_a_credential_type_is_inferred_from_its_required_fields(kind: str) -> None:
    given = of_type(kind)
    extra = {name: value for name, value in given.extra_dejson.items() if name != "credential_type"}
    inferred = read_settings(connection(given.login, given.password, **extra)).credential.get("type")
    # These two types have no required fields.
    assert inferred == (kind if kind not in ("ecs_ram_role", "default") else None)


def test_a_connection_can_be_a_uri() -> None:
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
        ({"role_name": "r"}, "no credential type accepts role_name, login, password together"),
        ({"credential_type": "access_key", "role_arn": "r"}, "role_arn is set"),
        ({"credential_type": "access_key", "security_token": "t"}, "security_token is set"),
        ({"credential_type": "sts", "security_token": "t", "policy": "{}"}, "policy is set"),
        ({"role_arn": "r", "role_session_expiration": "899"}, "role_session_expiration must be an integer"),
        ({"role_arn": "r", "role_session_expiration": "1800.5"}, "role_session_expiration must be an integer"),
        ({"role_arn": "r", "policy": "allow all"}, "policy is not a JSON object"),
        ({"credential_type": "credentials_uri", "credentials_uri": "localhost"}, "credentials_uri is not an http"),
        (
            {"credential_type": "credentials_uri", "credentials_uri": "http://u:p@host/"},
            "credentials_uri is not an http or https URL with a host and without a user",
        ),
    ],
)
def test_settings_that_would_have_no_effect_or_fail_later_are_rejected(extra: dict[str, str], named: str) -> None:
    with pytest.raises(ImsCredentialsError) as caught:
        settings(**extra)
    assert named in str(caught.value)


def test_an_explicit_type_ignores_optional_fields_of_other_types() -> None:
    given = settings(credential_type="bearer", bearer_token="b", role_name="r", external_id="e")
    assert given.credential == {"type": "bearer", "bearer_token": "b"}


@pytest.mark.parametrize("policy", ['{"Version": "1", "Statement": []}', {"Version": "1", "Statement": []}])
def test_a_policy_is_a_string_or_an_object_and_is_sent_without_spaces(policy: Any) -> None:
    assert settings(role_arn="r", policy=policy).credential["policy"] == '{"Version":"1","Statement":[]}'


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://localhost", "http://localhost:80/"),
        ("https://host/a?b=c", "https://host:443/a?b=c"),
        ("http://[::1]:7002/x", "http://[::1]:7002/x"),
    ],
)
def test_an_explicit_port_is_added_to_a_credentials_uri(given: str, read: str) -> None:
    assert settings(None, None, credentials_uri=given).credential["credentials_uri"] == read


def test_a_vpc_connection_uses_the_vpc_endpoint_of_sts() -> None:
    given = {"role_arn": "r", "network": "vpc", "region_id": "cn-beijing"}
    assert settings(**given).credential["sts_endpoint"] == "sts-vpc.cn-beijing.aliyuncs.com"
    assert settings(**given, sts_endpoint="sts.example.com").credential["sts_endpoint"] == "sts.example.com"
    assert "sts_endpoint" not in settings(**{**given, "network": "public"}).credential


def test_secrets_inside_urls_are_masked() -> None:
    from airflow.providers.common.compat.sdk import redact

    settings(https_proxy="http://user:pa%40ss-77@proxy:3128")
    settings(None, None, credentials_uri="http://localhost:7002/c?token=uri-token-88")
    assert redact("pa@ss-77 pa%40ss-77 uri-token-88") == "*** *** ***"
