import hmac
import json
import os
import stat
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from authz.errors import ConfigurationError
from authz.keys import LENGTH, Key, KeyRing, Purpose, complete_keys, generate_keys, load_keys


def test_keys_survive_the_file_and_the_file_is_private(tmp_path: Path) -> None:
    made = generate_keys()
    path = tmp_path / "keys.yaml"
    made.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = load_keys(path)
    assert [read.current(purpose) for purpose in Purpose] == [made.current(purpose) for purpose in Purpose]
    assert read.demo is False


def test_writing_never_overwrites_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    generate_keys().write(path)
    with pytest.raises(FileExistsError):
        generate_keys().write(path)


def test_a_key_file_of_an_older_gateway_gets_what_it_lacks(tmp_path: Path) -> None:
    path, made = tmp_path / "keys.yaml", generate_keys(demo=True)
    made.write(path)
    content = yaml.safe_load(path.read_text())
    del content["keys"]["consentSigning"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError):
        load_keys(path)
    complete_keys(path)
    completed = load_keys(path)
    others = [purpose for purpose in Purpose if purpose is not Purpose.CONSENT_SIGNING]
    assert [completed.current(purpose) for purpose in others] == [made.current(purpose) for purpose in others]
    assert (completed.demo, stat.S_IMODE(path.stat().st_mode)) == (True, 0o600)
    before = path.read_bytes()
    complete_keys(path)
    assert path.read_bytes() == before


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.yaml"
    generate_keys().write(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError) as refused:
        load_keys(path)
    assert refused.value.code == "KEYS_MODE"


def test_keys_are_random_and_of_the_length_of_their_purpose() -> None:
    one, other = generate_keys(), generate_keys()
    for purpose in Purpose:
        assert len(one.current(purpose).material) == LENGTH[purpose]
        assert one.current(purpose).material != other.current(purpose).material
    assert len({one.current(purpose).material for purpose in Purpose}) == len(Purpose)


def test_the_highest_version_is_current_and_older_ones_are_found() -> None:
    first, second = generate_keys(), generate_keys()
    ring = KeyRing(
        {p: {1: first.current(p).material, 2: second.current(p).material} for p in Purpose}, demo=False
    )
    assert ring.current(Purpose.CURSOR).version == 2
    assert ring.find(Purpose.CURSOR, 1) == Key(1, first.current(Purpose.CURSOR).material)
    assert ring.find(Purpose.CURSOR, 3) is None
    assert {key.kid for key in ring.verification_keys()} == {first.signing_key.kid, second.signing_key.kid}
    assert ring.signing_key.kid == second.signing_key.kid


def test_nothing_that_prints_shows_key_material() -> None:
    ring = generate_keys()
    key = ring.current(Purpose.SUBJECT_REF)
    for text in (repr(ring), str(ring), repr(key), str(key), f"{key}"):
        assert repr(key.material) not in text
        assert key.material.hex() not in text
        assert urlsafe_b64encode(key.material).decode() not in text


def test_published_keys_have_no_private_half() -> None:
    for published in generate_keys().verification_keys().as_dict()["keys"]:
        assert "d" not in published
        assert published["alg"] == "ES256"
    assert all(not key.is_private for key in generate_keys().verification_keys())


def test_serving_refuses_demo_keys() -> None:
    with pytest.raises(ConfigurationError) as refused:
        generate_keys(demo=True).refuse_demo()
    assert refused.value.code == "KEYS_DEMO"
    generate_keys().refuse_demo()


def _document() -> dict[str, object]:
    keys = {
        purpose.value: {1: urlsafe_b64encode(generate_keys().current(purpose).material).decode()}
        for purpose in Purpose
    }
    return {"demo": False, "keys": keys}


def _load(tmp_path: Path, text: str) -> KeyRing:
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(text)
    return load_keys(path)


def test_json_is_read_too(tmp_path: Path) -> None:
    assert _load(tmp_path, json.dumps(_document())).current(Purpose.CURSOR).version == 1


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("KEYS_SYNTAX", lambda d: d.pop("demo")),
        ("KEYS_SYNTAX", lambda d: d.update(demo="no")),
        ("KEYS_SYNTAX", lambda d: d.update(extra=1)),
        ("KEYS_SYNTAX", lambda d: d["keys"].update(unknown={1: "AA"})),
        ("KEYS_SYNTAX", lambda d: d["keys"].update(cursor={1: "!!"})),
        ("KEYS_SYNTAX", lambda d: d["keys"].update(cursor=["AA"])),
        ("KEYS_INCOMPLETE", lambda d: d["keys"].pop("cursor")),
        ("KEYS_INCOMPLETE", lambda d: d["keys"].update(cursor={})),
        ("KEYS_LENGTH", lambda d: d["keys"].update(cursor={1: "AAAA"})),
        ("KEYS_VERSION", lambda d: d["keys"].update(cursor={256: d["keys"]["cursor"][1]})),
        (
            "KEYS_RANGE",
            lambda d: d["keys"].update(tokenSigning={1: urlsafe_b64encode(b"\xff" * 32).decode()}),
        ),
    ],
)
def test_a_faulty_key_file_is_named_and_not_shown(tmp_path: Path, code: str, change) -> None:
    document = _document()
    secrets = [held[1] for held in document["keys"].values()]
    change(document)
    with pytest.raises(ConfigurationError) as refused:
        _load(tmp_path, yaml.safe_dump(document))
    assert refused.value.code == code
    assert not any(secret in str(refused.value) for secret in secrets)


def test_a_broken_yaml_line_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _load(tmp_path, "keys: {cursor: [SECRETSECRET\n")
    assert refused.value.code == "KEYS_SYNTAX"
    assert refused.value.__suppress_context__
    assert "SECRETSECRET" not in str(refused.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_keys(tmp_path / "none")
    assert refused.value.code == "KEYS_MISSING"
    assert os.fspath(tmp_path) in refused.value.where


@given(
    st.sampled_from(sorted(LENGTH.values())).flatmap(lambda n: st.binary(min_size=n, max_size=n)), st.binary()
)
def test_the_code_of_a_message_is_its_hmac(material: bytes, message: bytes) -> None:
    mac = Key(1, material).mac
    assert [mac(message), mac(message)] == [hmac.digest(material, message, "sha256")] * 2
