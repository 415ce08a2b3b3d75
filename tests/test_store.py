"""The ledger: written once, whole batches or nothing, by any number of processes."""

import errno
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from evalharness.errors import StoreError
from evalharness.files import temporary
from evalharness.protocols import Need
from evalharness.records import Article, digest
from evalharness.store import ledger as store_ledger
from evalharness.store.ledger import Ledger, RunFolder, cannot_write
from evalharness.store.store import content_key

SIGNATURE = {"name": "lead", "version": 1}
KEYS = [f"{n:032x}" for n in range(40)]


@pytest.fixture(autouse=True, params=[temporary.HELD, 2], ids=["in memory", "on disk"])
def where_places_are(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with the places of records in memory, and with most of them on disk."""
    monkeypatch.setattr(temporary, "HELD", request.param)


def written(folder: Path, n: int = 6, by: int = 3) -> Ledger:
    ledger = Ledger(folder, SIGNATURE)
    for start in range(0, n, by):
        ledger.append([(key, {"text": f"summary {key}"}) for key in KEYS[start : start + by]])
    return ledger


def test_ledger_gives_back_what_was_written_in_the_order_asked(tmp_path: Path) -> None:
    ledger = written(tmp_path)

    again = Ledger(tmp_path, SIGNATURE)

    assert len(again) == 6
    assert again.get([KEYS[5], KEYS[0], KEYS[5]]) == ledger.get([KEYS[5], KEYS[0], KEYS[5]])
    assert again.get([KEYS[5]]) == [{"text": f"summary {KEYS[5]}"}]
    assert KEYS[7] not in again


def test_ledger_keeps_records_as_they_were(tmp_path: Path) -> None:
    record = {"b": 1, "a": [0.1 + 0.2, None, "é\ud800\n\u2028"], "c": {"z": 1, "y": 2}}
    ledger = Ledger(tmp_path, SIGNATURE)
    ledger.append([(KEYS[0], record)])

    found = Ledger(tmp_path, SIGNATURE).get([KEYS[0]])[0]

    assert found == record
    assert list(found) == ["b", "a", "c"]


def test_torn_batch_is_gone_whole_wherever_it_was_torn(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    raw = ledger.path.read_bytes()

    for cut in range(0, len(raw) + 1, 7):
        ledger.path.write_bytes(raw[:cut])
        torn = Ledger(tmp_path, SIGNATURE)

        assert len(torn) in {0, 3, 6}

        torn.append([(key, {"text": f"summary {key}"}) for key in KEYS[:6] if key not in torn])
        whole = Ledger(tmp_path, SIGNATURE)
        assert len(whole) == 6
        assert whole.damaged == []
        assert whole.get(KEYS[:6]) == [{"text": f"summary {key}"} for key in KEYS[:6]]


def test_flipped_byte_loses_one_record_and_says_which_line(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    rng = random.Random(0)

    for n in range(1, len(lines)):
        at = rng.randrange(len(lines[n]) - 1)
        flipped = bytearray(lines[n])
        flipped[at] ^= 1
        ledger.path.write_bytes(b"".join([*lines[:n], bytes(flipped), *lines[n + 1 :]]))

        damaged = Ledger(tmp_path, SIGNATURE)

        assert damaged.damaged == [n + 1]
        assert len(damaged) == 5


def test_ledger_of_another_signature_is_refused(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    other = Ledger(tmp_path, {"name": "lead", "version": 2})

    assert other.path != ledger.path

    other.path.write_bytes(ledger.path.read_bytes())
    with pytest.raises(StoreError, match="holds another signature"):
        Ledger(tmp_path, {"name": "lead", "version": 2})


def test_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    Ledger(tmp_path, SIGNATURE).path.write_text("id,text\n1,a\n")

    with pytest.raises(StoreError, match="no ledger of format 1"):
        Ledger(tmp_path, SIGNATURE)


def test_what_another_process_wrote_is_taken_in(tmp_path: Path) -> None:
    one, two = Ledger(tmp_path, SIGNATURE), Ledger(tmp_path, SIGNATURE)

    one.append([(KEYS[0], {"text": "first"})])
    two.append([(KEYS[0], {"text": "second"}), (KEYS[1], {"text": "other"})])
    one.refresh()

    assert one.get(KEYS[:2]) == two.get(KEYS[:2]) == [{"text": "first"}, {"text": "other"}]


def test_record_that_is_another_ones_is_refused(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]  # whole lines, of one length
    ledger.path.write_bytes(b"".join(lines))

    with pytest.raises(StoreError, match="was changed or removed"):
        ledger.get([KEYS[0]])


def test_lines_are_numbered_on_after_what_was_written_here(tmp_path: Path) -> None:
    ledger = written(tmp_path, n=4, by=2)
    other = Ledger(tmp_path, SIGNATURE)
    other.append([(key, {"text": "other"}) for key in KEYS[4:8]])
    raw = bytearray(other.path.read_bytes())
    raw[-3] ^= 1
    other.path.write_bytes(raw)

    ledger.refresh()

    assert len(ledger) == 7
    assert ledger.damaged == [9]
    assert ledger.get([KEYS[6]]) == [{"text": "other"}]


def test_lines_of_another_form_are_read(tmp_path: Path) -> None:
    """Keys of an entry may stand in another order, as another writer might have them."""
    ledger = written(tmp_path)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    for n, line in enumerate(lines[1:], 1):
        entry = json.loads(line)
        del entry["crc"]
        lines[n] = store_ledger._line({"record": entry.pop("record"), **entry})
    ledger.path.write_bytes(b"".join(lines))

    again = Ledger(tmp_path, SIGNATURE)

    assert again.damaged == []
    assert again.get([KEYS[4]]) == [{"text": f"summary {KEYS[4]}"}]


def test_ledger_that_was_removed_is_begun_again(tmp_path: Path) -> None:
    ledger = written(tmp_path)
    ledger.path.unlink()

    ledger.append([(KEYS[9], {"text": "new"})])

    assert Ledger(tmp_path, SIGNATURE).get([KEYS[9]]) == [{"text": "new"}]
    with pytest.raises(StoreError, match="was changed or removed"):
        ledger.get([KEYS[0]])


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from evalharness.store.ledger import Ledger\n"
        f"ledger = Ledger(Path({str(tmp_path)!r}), {SIGNATURE!r})\n"
        "for n in range(40): ledger.append([(f'{n:032x}', {'text': f'summary {n}'})])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]

    assert [writer.wait() for writer in writers] == [0, 0, 0]

    ledger = Ledger(tmp_path, SIGNATURE)
    assert ledger.damaged == []
    assert ledger.get(KEYS) == [{"text": f"summary {n}"} for n in range(40)]
    assert len(ledger.path.read_bytes().splitlines()) == 41


def test_unwritable_folder_is_an_error_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match="store") as caught:
        Ledger(tmp_path / "store", SIGNATURE)

    assert caught.value.exit_code == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.writing("run.json").symlink_to("/dev/full")

    with pytest.raises(StoreError, match=r"run.json: No space left"):
        folder.write("run.json", "{}")

    assert not (tmp_path / "run.json").exists()


def test_half_written_files_of_dead_processes_are_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mine = RunFolder(tmp_path).writing("run.json")
    left = mine.with_name(mine.name.replace(f".{mine.name.split('.')[-2]}.", f".{dead.pid}."))
    left.write_text("{")
    mine.write_text("{")

    RunFolder(tmp_path)

    assert not left.exists()
    assert mine.exists()


def test_a_folder_that_may_not_be_written_is_an_error_with_its_cure() -> None:
    refused = cannot_write("results", PermissionError(errno.EACCES, "Permission denied"))
    full = cannot_write("results", OSError(errno.ENOSPC, "No space left on device"))

    assert str(refused) == (
        "results: Permission denied; --results names a folder that you may write to"
    )
    assert str(full) == "results: No space left on device"


def test_no_byte_of_a_line_can_be_changed_or_lost_unseen(tmp_path: Path) -> None:
    head, line, *_ = written(tmp_path).path.read_bytes().splitlines(keepends=True)
    assert store_ledger.signature_of(head) == SIGNATURE
    record = store_ledger.record_of(line)
    assert record == {"key": KEYS[0], "batch": [1, 3], "record": {"text": f"summary {KEYS[0]}"}}

    for whole, read in ((head, store_ledger.signature_of), (line, store_ledger.record_of)):
        for at in range(len(whole)):
            changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
            assert read(changed) is None, changed
            assert read(whole[:at]) is None
    assert store_ledger.record_of(head) is None
    assert store_ledger.signature_of(line) is None


# keys


@pytest.mark.parametrize("text", ["A short text.", "A long text. " * 2_000], ids=["short", "long"])
@pytest.mark.parametrize("references", [(), ("One.", "Two.")])
def test_key_names_what_a_component_looks_at_whether_it_was_asked_for_before_or_not(
    text: str, references: tuple[str, ...]
) -> None:
    article = Article("a", text, references, extra={"title": "A title"})
    again = Article("b", text, references, "elsewhere", {"title": "A title"})
    looked_at = {"article": text, "references": references, "title": "A title"}
    every: list[set[Need]] = [
        {"article"}, {"references"}, {"article", "references"}, {"article", "title"}
    ]  # fmt: skip
    for needs in map(frozenset, every):
        key = digest({need: looked_at[need] for need in needs})
        assert content_key(article, needs) == key
        assert content_key(again, needs) == key
