import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from authz.errors import AuthzError, SubjectNotConfirmed
from authz.keys import KeyRing, Purpose
from authz.references import References
from catalogue.identifiers import IdentifierError, KeyKind, SubjectKey
from tests.support.authz_parties import demo_keys, entity, person

KEYS = demo_keys()
REFERENCES = References(KEYS)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def rotated(old: KeyRing, *, keep_old: bool) -> References:
    new = demo_keys()
    kept = {p: {1: old.current(p).material} if keep_old else {} for p in Purpose}
    return References(KeyRing({p: kept[p] | {2: new.current(p).material} for p in Purpose}, demo=True))


@given(serial=st.integers(0, 999))
def test_a_person_is_found_again(serial: int) -> None:
    key = person(serial)
    assert REFERENCES.resolve(REFERENCES.subject_ref(key, "bank-a"), "bank-a") == key


@given(
    kind=st.sampled_from(["91", "92", "11", "12", "51", "A1", "N2", "Y1"]),
    tail=st.text(ALPHABET, min_size=9, max_size=9),
)
def test_an_organization_is_found_again(kind: str, tail: str) -> None:
    body = f"{kind}990100{tail}"
    try:
        key = SubjectKey.entity(body + uscc.calc_check_digit(body))
    except IdentifierError:
        return  # happens to be a citizen id too
    assert REFERENCES.resolve(REFERENCES.subject_ref(key, "bank-a"), "bank-a") == key


def test_references_look_alike_whatever_they_name() -> None:
    for key in (person(), entity(), entity("92")):
        reference = REFERENCES.subject_ref(key, "bank-a")
        assert len(reference) == 50
        assert reference.startswith("sr_")
        assert key.value.lower() not in reference
        assert reference == REFERENCES.subject_ref(key, "bank-a")


def test_two_clients_cannot_join_their_references() -> None:
    mine, theirs = (REFERENCES.subject_ref(person(), client) for client in ("bank-a", "bank-b"))
    assert mine != theirs
    with pytest.raises(SubjectNotConfirmed):
        REFERENCES.resolve(theirs, "bank-a")


def test_what_is_not_ours_is_one_answer() -> None:
    good = REFERENCES.subject_ref(person(), "bank-a")
    flipped = good[:20] + ("a" if good[20] != "a" else "b") + good[21:]
    last = good[:-1] + chr(ord(good[-1]) + 1)
    wrong = ["", "sr_", "sr_a", "sr_ü", "rr_" + good[3:], good.upper(), good + "=", good[:-2], flipped, last]
    for text in [*wrong, References(demo_keys()).subject_ref(person(), "bank-a")]:
        with pytest.raises(SubjectNotConfirmed):
            REFERENCES.resolve(text, "bank-a")


def test_an_older_key_resolves_while_it_is_kept() -> None:
    old = REFERENCES.subject_ref(person(), "bank-a")
    kept = rotated(KEYS, keep_old=True)
    assert kept.resolve(old, "bank-a") == person()
    assert kept.subject_ref(person(), "bank-a") != old
    with pytest.raises(SubjectNotConfirmed):
        rotated(KEYS, keep_old=False).resolve(old, "bank-a")


def test_a_reference_without_a_client_is_never_made() -> None:
    with pytest.raises(ValueError, match="client"):
        REFERENCES.subject_ref(person(), "")
    with pytest.raises(ValueError, match="part"):
        REFERENCES.record_ref("court", "P-FY-01", "", "bank-a")


def test_record_references_depend_on_every_part() -> None:
    made = {
        REFERENCES.record_ref(*parts)
        for parts in [
            ("court", "P-FY-01", "17", "bank-a"),
            ("court", "P-FY-01", "17", "bank-b"),
            ("court", "P-FY-01", "18", "bank-a"),
            ("court", "P-FY-02", "17", "bank-a"),
            ("court2", "P-FY-01", "17", "bank-a"),
            ("cour", "tP-FY-01", "17", "bank-a"),
        ]
    }
    assert len(made) == 6
    assert all(reference.startswith("rr_") for reference in made)
    assert REFERENCES.record_ref("court", "P-FY-01", "17", "bank-a") in made


def test_audit_references_do_not_depend_on_the_client_but_on_the_key() -> None:
    assert REFERENCES.audit_ref(person()) == References(KEYS).audit_ref(person())
    assert REFERENCES.audit_ref(person()) != REFERENCES.audit_ref(person(2))
    assert REFERENCES.audit_ref(person()) != References(demo_keys()).audit_ref(person())
    same_text = SubjectKey(KeyKind.USCC, person().value)
    assert REFERENCES.audit_ref(person()) != REFERENCES.audit_ref(same_text)
    assert REFERENCES.record_hash("court", "P-FY-01", "17") == References(KEYS).record_hash(
        "court", "P-FY-01", "17"
    )
    assert REFERENCES.record_hash("court", "P-FY-01", "17") != REFERENCES.record_hash(
        "court", "P-FY-01", "18"
    )


def test_a_cursor_opens_only_with_its_binding() -> None:
    cursor = REFERENCES.seal_cursor(b"2026-01-01|P-FY-01|17", b"grant|use")
    assert REFERENCES.open_cursor(cursor, b"grant|use") == b"2026-01-01|P-FY-01|17"
    assert rotated(KEYS, keep_old=True).open_cursor(cursor, b"grant|use") == b"2026-01-01|P-FY-01|17"
    for text, binding in [
        (cursor, b"other"),
        (cursor[:-1], b"grant|use"),
        ("", b"grant|use"),
        ("cu_a", b"grant|use"),
    ]:
        with pytest.raises(AuthzError) as refused:
            REFERENCES.open_cursor(text, binding)
        assert refused.value.code == "CURSOR_INVALID"
    with pytest.raises(AuthzError):
        References(demo_keys()).open_cursor(cursor, b"grant|use")


@pytest.mark.parametrize("text", ["row-17", "行-1", "r" * 300])
def test_a_keyed_hash_is_what_the_standard_library_makes_of_it(text: str) -> None:
    """Those in the log must be found again by every later version."""
    key = KEYS.current(Purpose.AUDIT_RECORD)
    parts = [part.encode() for part in ("court", "P-FY-01", text)]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    body = bytes([key.version]) + hmac.digest(key.material, framed, "sha256")[:20]
    expected = base64.b32encode(body).decode().rstrip("=").lower()
    assert References(KEYS).record_hash("court", "P-FY-01", text) == f"rh_{expected}"
