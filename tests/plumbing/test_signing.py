"""A signature holds for one request, one nonce and one key."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plumbing.signing import (
    load_or_make_key,
    public_hex,
    request_is_signed,
    sign_file,
    sign_request,
    signature_beside,
    signer_of,
    signer_of_file,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
REQUEST = {"method": "POST", "path": "/api/v1/records?x=1", "nonce": "n-1", "body": b'{"a":1}'}


def test_a_signed_request_is_accepted():
    assert request_is_signed(public_hex(KEY), sign_request(KEY, **REQUEST), **REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"path": "/api/v1/records"},
        {"nonce": "n-2"},
        {"body": b'{"a":2}'},
        {"body": b""},
        {"nonce": "n-1\n", "body": b""},
    ],
    ids=["method", "query", "nonce", "body", "no body", "a line moved"],
)
def test_a_request_that_differs_in_anything_is_refused(change):
    signature = sign_request(KEY, **REQUEST)
    assert not request_is_signed(public_hex(KEY), signature, **(REQUEST | change))


def test_another_key_is_refused():
    other = Ed25519PrivateKey.generate()
    assert not request_is_signed(public_hex(other), sign_request(KEY, **REQUEST), **REQUEST)


@pytest.mark.parametrize("signature", ["", "no base64!", "AAAA", "é"])
def test_junk_for_a_signature_is_refused(signature):
    assert not request_is_signed(public_hex(KEY), signature, **REQUEST)


@pytest.mark.parametrize("public", ["", "zz", "00" * 31, "00" * 33])
def test_junk_for_a_public_key_is_refused(public):
    assert not request_is_signed(public, sign_request(KEY, **REQUEST), **REQUEST)


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "new" / "gateway.key"
    first = load_or_make_key(path)
    assert public_hex(load_or_make_key(path)) == public_hex(first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_public_key_is_the_one_of_rfc_8032():
    # RFC 8032, section 7.1, test 1.
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert public_hex(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))) == public


@pytest.mark.parametrize("content", ["", "not hex", "00" * 31], ids=["empty", "words", "short"])
def test_a_broken_key_file_says_what_to_do(tmp_path, content):
    path = tmp_path / "gateway.key"
    path.write_text(content)
    with pytest.raises(ValueError, match="Restore it from a backup"):
        load_or_make_key(path)
    assert path.read_text() == content


def test_who_signed_a_file_is_known_from_what_lies_beside_it(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes(b"id: mine")
    assert signer_of_file(file) == ""
    signature_beside(file).write_text(sign_file(KEY, b"id: mine"))
    assert signer_of_file(file) == public_hex(KEY)


OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
BESIDE = {
    "another content": (b"id: yours", sign_file(KEY, b"id: mine")),
    "another's name on it": (
        b"id: mine",
        f"{public_hex(OTHER)}\n{sign_file(KEY, b'id: mine').split()[1]}",
    ),
    "a signature of a request": (
        b"id: mine",
        f"{public_hex(KEY)}\n{sign_request(KEY, 'POST', '/', 'n', b'id: mine')}",
    ),
    "nothing": (b"id: mine", ""),
    "one line": (b"id: mine", public_hex(KEY)),
    "no key": (b"id: mine", f"zz\n{sign_file(KEY, b'id: mine').split()[1]}"),
    "a key that is too short": (b"id: mine", f"ab\n{sign_file(KEY, b'id: mine').split()[1]}"),
    "no base64": (b"id: mine", f"{public_hex(KEY)}\n!!"),
}


@pytest.mark.parametrize(("body", "beside"), BESIDE.values(), ids=BESIDE)
def test_a_file_that_is_not_what_was_signed_is_refused_with(body, beside):
    with pytest.raises(ValueError, match="it is not what was signed"):
        signer_of(body, beside)
