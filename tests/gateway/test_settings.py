import typing
from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError, load_settings

REPOSITORY = Path(__file__).resolve().parents[2]

COMPLETE = """
issuer: https://id.example.cn
audience: credit-gateway
jwks: jwks.json
keys: keys
clients: clients.yaml
mandates: mandates.yaml
sources: sources
"""


def written(folder: Path, text: str = COMPLETE) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str = COMPLETE, **environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(folder, text), environ)
    return caught.value


def test_paths_are_relative_to_the_file_and_defaults_hold(tmp_path):
    settings = load_settings(written(tmp_path), {})
    assert settings.sources == tmp_path / "sources"
    assert settings.store.get_secret_value() == f"sqlite:///{tmp_path / 'gateway.db'}"
    assert settings.catalogue is None
    assert (settings.host, settings.port, settings.locality) == ("127.0.0.1", 8000, "default")
    assert settings.limits.body_bytes == 65_536


def test_environment_wins_over_the_file_and_steps_into_groups(tmp_path):
    settings = load_settings(
        written(tmp_path, COMPLETE + "port: 9000\nlimits: {depth: 5, tokens: 7}\n"),
        {
            "CREDIT_GATEWAY_LIMITS__DEPTH": "8",
            "CREDIT_GATEWAY_GRAPHIQL": "false",
            "CREDIT_GATEWAY_CORS_ORIGINS": "https://a.example.cn, https://b.example.cn",
            "PORT": "9100",
            "HOME": "/elsewhere",
        },
    )
    assert (settings.limits.depth, settings.limits.tokens) == (8, 7)
    assert settings.graphiql is False
    assert settings.cors_origins == ("https://a.example.cn", "https://b.example.cn")
    assert settings.port == 9100


def test_the_own_port_variable_wins_over_the_platforms(tmp_path):
    settings = load_settings(written(tmp_path), {"PORT": "9100", "CREDIT_GATEWAY_PORT": "9200"})
    assert settings.port == 9200


@pytest.mark.parametrize("key", ["issuer", "audience"])
def test_a_missing_issuer_or_audience_is_refused_by_name(tmp_path, key):
    text = "\n".join(line for line in COMPLETE.splitlines() if not line.startswith(key))
    fault = refused(tmp_path, text)
    assert (fault.code, fault.key) == ("MISSING_KEY", key)
    assert f"CREDIT_GATEWAY_{key.upper()}" in fault.message


def test_an_empty_audience_is_refused(tmp_path):
    fault = refused(tmp_path, COMPLETE.replace("credit-gateway", "''"))
    assert (fault.code, fault.key) == ("BAD_VALUE", "audience")


@pytest.mark.parametrize(
    ("extra", "environ", "key"),
    [
        ("colour: red\n", {}, "colour"),
        ("limits: {deepness: 3}\n", {}, "limits.deepness"),
        ("", {"CREDIT_GATEWAY_DEPHT": "3"}, "depht"),
        ("", {"CREDIT_GATEWAY_PORT__X": "3"}, "port"),
        ("port: 1\n", {"CREDIT_GATEWAY_PORT__X": "3"}, "CREDIT_GATEWAY_PORT__X"),
    ],
)
def test_unknown_keys_are_refused_in_file_and_environment(tmp_path, extra, environ, key):
    fault = refused(tmp_path, COMPLETE + extra, **environ)
    assert fault.key == key
    assert fault.code in {"UNKNOWN_KEY", "BAD_VALUE"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("issuer", "http://id.example.cn"),
        ("issuer", "http://localhost.example.cn/"),
        ("port", "70000"),
        ("limits", "{cost: 0}"),
        ("cors_origins", "['*']"),
        ("cors_origins", "['https://a.example.cn/path']"),
        ("log", "{level: LOUD}"),
    ],
)
def test_bad_values_are_refused_without_being_repeated(tmp_path, key, value):
    lines = [line for line in COMPLETE.splitlines() if not line.startswith(f"{key}:")]
    fault = refused(tmp_path, "\n".join([*lines, f"{key}: {value}"]))
    assert fault.code == "BAD_VALUE"
    assert fault.key.startswith(key)
    assert value not in str(fault)


@pytest.mark.parametrize("text", ["- a list", "issuer: [", "issuer: x\n\tbad: y"])
def test_broken_yaml_says_where(tmp_path, text):
    fault = refused(tmp_path, text)
    assert fault.code == "YAML"
    assert "gateway.yaml" in fault.key


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="--config"):
        load_settings(tmp_path / "absent.yaml", {})


def test_secrets_do_not_print(tmp_path):
    store = {"CREDIT_GATEWAY_STORE": "postgresql://gateway:hunter2@db/store"}
    settings = load_settings(written(tmp_path), store)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.store.get_secret_value().endswith("hunter2@db/store")


def test_every_setting_is_documented():
    text = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert documented == list(_keys(Settings))


def _keys(model, prefix=""):
    """Every key of a group and below; a group that may be left out has a line of its own."""
    for name, field in model.model_fields.items():
        optional = typing.get_args(field.annotation)
        group = next((each for each in (*optional, field.annotation) if hasattr(each, "model_fields")), None)
        if group is None or optional:
            yield f"{prefix}{name}"
        if group is not None:
            yield from _keys(group, f"{prefix}{name}.")


EMBEDDED = COMPLETE.replace("jwks: jwks.json", "issuer_mode: embedded")


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        (COMPLETE.replace("jwks: jwks.json", ""), "MISSING_KEY", "jwks"),
        (COMPLETE + "discovery: https://id.example.cn/.well-known/x\n", "BAD_VALUE", "discovery"),
        (EMBEDDED + "jwks: jwks.json\n", "BAD_VALUE", "jwks"),
        (EMBEDDED + "discovery: https://id.example.cn/.well-known/x\n", "BAD_VALUE", "discovery"),
        (EMBEDDED + "url: https://graph.example.cn\n", "BAD_VALUE", "url"),
        (EMBEDDED.replace("id.example.cn", "id.example.cn/tenant"), "BAD_VALUE", "issuer"),
        (EMBEDDED.replace("embedded", "imbedded"), "BAD_VALUE", "issuer_mode"),
        (EMBEDDED + "token_seconds: 601\n", "BAD_VALUE", "token_seconds"),
    ],
)
def test_tokens_have_one_source_of_keys(tmp_path, text, code, key):
    fault = refused(tmp_path, text)
    assert (fault.code, fault.key) == (code, key)


def test_a_proof_names_the_gateway_by_its_configured_address(tmp_path):
    def address(text):
        return load_settings(written(tmp_path, text), {}).public_url

    assert address(EMBEDDED) == "https://id.example.cn"
    assert address(COMPLETE) == "http://127.0.0.1:8000"
    assert address(COMPLETE + "url: https://graph.example.cn/\n") == "https://graph.example.cn"
