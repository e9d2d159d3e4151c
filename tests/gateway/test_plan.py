"""The home's plan and packs, as the gateway reads them from their files."""

from pathlib import Path

import pytest

from gateway.config import ConfigError, load
from gateway.doctor import examine
from gateway.plan import load_packs, load_plan
from plumbing.documents import DocumentError
from plumbing.signing import load_or_make_key, public_hex, sign_file, signature_beside

PACK = """\
id: mine
version: "1"
title: Mine
rules:
  - id: high
    source: a book
    kind: threshold
    params: {metric: level, above: 10}
    then: {tier: T3, text: high}
texts:
  high: {person: It is high., nurse: High., log: high}
"""
PLAN = """\
version: "1"
people:
  - id: margaret
    name: Margaret Ellis
    packs:
      - {pack: mine, agreed_by: Dr Iris Long, agreed_on: 2025-03-01}
"""
SIMULATED = PLAN.replace("name: Margaret Ellis", "name: Margaret Ellis\n    simulated: true")


class Folder:
    """A home's settings, plan, and one pack of its own, signed or not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.packs = path / "packs"
        self.packs.mkdir()
        self.pack = self.packs / "mine.yaml"
        self.pack.write_text(PACK)
        self.plan = path / "plan.yaml"
        self.plan.write_text(PLAN)
        self.key = load_or_make_key(path / "clinician.key")

    def sign(self) -> None:
        signature_beside(self.pack).write_text(sign_file(self.key, self.pack.read_bytes()))

    def settings(self, more: str) -> Path:
        path = self.path / "gateway.toml"
        path.write_text(
            'id = "home-1"\ndata = "data"\nplan = "plan.yaml"\n'
            f'[server]\nurl = "http://127.0.0.1:9"\n[packs]\n{more}'
        )
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_pack_signed_by_a_key_that_the_gateway_trusts_counts_for_someone_real(
    folder: Folder,
) -> None:
    folder.sign()
    config = load(folder.settings(f'folder = "packs"\nsigners = ["{public_hex(folder.key)}"]\n'))
    plan = load_plan(config.plan, load_packs(config.packs.folder), config.packs.signers)
    assert [rule.id for rule in plan.rules] == ["high"]


@pytest.mark.parametrize("signed", [True, False], ids=["by a stranger", "by nobody"])
def test_a_pack_that_no_trusted_key_signed_is_refused_for_someone_real_with_its_line(
    signed: bool, folder: Folder
) -> None:
    if signed:
        folder.sign()
    with pytest.raises(DocumentError, match="sign") as caught:
        load_plan(folder.plan, load_packs(folder.packs), ["cd" * 32])
    assert (caught.value.path, caught.value.line) == (folder.plan, 6)


def test_a_pack_that_nobody_signed_runs_for_someone_simulated(folder: Folder) -> None:
    folder.plan.write_text(SIMULATED)
    assert load_plan(folder.plan, load_packs(folder.packs)).people["margaret"].simulated


def test_a_pack_changed_after_it_was_signed_is_refused_even_for_someone_simulated(
    folder: Folder,
) -> None:
    folder.plan.write_text(SIMULATED)
    folder.sign()
    folder.pack.write_text(PACK.replace("above: 10", "above: 11"))
    with pytest.raises(DocumentError, match="it is not what was signed"):
        load_packs(folder.packs)


def test_a_pack_of_the_folder_stands_for_ours_with_the_same_id(folder: Folder) -> None:
    ours = load_packs()["heart-failure"]
    folder.pack.write_text(PACK.replace("id: mine", "id: heart-failure"))
    packs = load_packs(folder.packs)
    assert ours.title != packs["heart-failure"].title == "Mine"
    assert packs.keys() == load_packs().keys()


def test_a_pack_that_can_not_be_used_is_named_with_its_line(folder: Folder) -> None:
    folder.pack.write_text(PACK.replace("kind: threshold", "kind: treshold"))
    with pytest.raises(DocumentError, match="did you mean 'threshold'") as caught:
        load_packs(folder.packs)
    assert (caught.value.path, caught.value.line) == (folder.pack, 7)


def test_doctor_says_what_a_plan_for_someone_real_lacks(folder: Folder) -> None:
    parts = {part.name: part for part in examine(folder.settings('folder = "packs"\n'))}
    assert "have it signed" in parts["care plan"].trouble


def test_doctor_says_that_the_folder_of_packs_is_not_there(folder: Folder) -> None:
    parts = {part.name: part for part in examine(folder.settings('folder = "nowhere"\n'))}
    assert "is no folder" in parts["care plan"].trouble


def test_a_signer_that_is_no_key_is_refused(folder: Folder) -> None:
    with pytest.raises(ConfigError, match="signers"):
        load(folder.settings('signers = ["Dr Iris Long"]\n'))


def test_a_home_runs_with_words_that_would_be_refused_today_and_doctor_tells(
    folder: Folder,
) -> None:
    folder.plan.write_text(SIMULATED)
    folder.pack.write_text(PACK.replace("It is high.", "You must obey!"))
    packs = load_packs(folder.packs, strict=False)
    assert load_plan(folder.plan, packs, strict=False).rules
    parts = {part.name: part for part in examine(folder.settings('folder = "packs"\n'))}
    assert "texts.high.person" in parts["care plan"].trouble
