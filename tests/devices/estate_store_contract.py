"""What every ``EstateStore`` must do; a test module of an adapter subclasses this and gives stores on one place."""

from abc import ABC, abstractmethod

import pytest

from trustcell.devices import Changes, EstateStore
from trustcell.vocab import Eui64

ONE, TWO = Eui64(bytes(7) + b"\1"), Eui64(b"\xff" * 8)
LAST_HANDLE = 2**63 - 1


def changes(devices=(), gone=(), queued=(), taken=(), settings=None) -> Changes:
    return Changes(list(devices), list(gone), list(queued), list(taken), settings)


class EstateStoreContract(ABC):
    """Each test opens its place afresh, as after a restart."""

    @pytest.fixture
    @abstractmethod
    def place(self, tmp_path):
        """Where the records are; anything ``open`` understands."""

    @abstractmethod
    def open(self, place) -> EstateStore:
        """A store on what is kept there."""

    def test_an_empty_store_has_nothing(self, place):
        store = self.open(place)
        assert (list(store.devices()), list(store.queue()), store.settings()) == ([], [], None)

    def test_what_was_saved_is_there_afterwards(self, place):
        self.open(place).save(
            changes([(ONE, b"1"), (TWO, b"")], [], [(7, b"a"), (LAST_HANDLE, bytes(70_000))], [], b"s")
        )
        store = self.open(place)
        assert dict(store.devices()) == {ONE: b"1", TWO: b""}
        assert all(type(eui) is Eui64 for eui, _ in store.devices())
        assert dict(store.queue()) == {7: b"a", LAST_HANDLE: bytes(70_000)}
        assert store.settings() == b"s"

    def test_records_are_replaced_and_go(self, place):
        store = self.open(place)
        store.save(changes([(ONE, b"1"), (TWO, b"2")]))
        store.save(changes([(ONE, b"3")], [TWO]))
        assert dict(self.open(place).devices()) == {ONE: b"3"}
        store.save(changes([(TWO, b"4")], [ONE, Eui64(bytes(8))]))
        assert dict(self.open(place).devices()) == {TWO: b"4"}

    def test_messages_go_and_unknown_handles_are_no_error(self, place):
        store = self.open(place)
        store.save(changes(queued=[(1, b"a"), (2, b"b")]))
        store.save(changes(queued=[(3, b"c")], taken=[1, 99]))
        assert dict(self.open(place).queue()) == {2: b"b", 3: b"c"}

    def test_settings_stay_until_they_change(self, place):
        store = self.open(place)
        store.save(changes(settings=b"one"))
        store.save(changes([(ONE, b"1")]))
        assert self.open(place).settings() == b"one"
        store.save(changes(settings=b""))
        assert self.open(place).settings() == b""

    def test_a_save_is_written_as_a_whole_or_not_at_all(self, place):
        store = self.open(place)
        store.save(changes([(ONE, b"1")], queued=[(1, b"a")]))
        with pytest.raises(Exception, match=r"."):
            store.save(changes([(ONE, b"2")], queued=[(2, b"b"), (3, None)], taken=[1]))
        store = self.open(place)
        assert (dict(store.devices()), dict(store.queue())) == ({ONE: b"1"}, {1: b"a"})

    def test_many_at_once(self, place):
        records = [(Eui64(n.to_bytes(8, "big")), n.to_bytes(4, "big")) for n in range(3_000)]
        messages = [(n, b"m") for n in range(3_000)]
        self.open(place).save(changes(records, queued=messages))
        store = self.open(place)
        assert dict(store.devices()) == dict(records)
        store.save(changes(taken=[handle for handle, _ in messages]))
        assert list(self.open(place).queue()) == []
