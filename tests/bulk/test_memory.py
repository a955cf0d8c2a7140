import pytest

from provgraph.bulk.memory import MemoryStore
from tests.bulk.contract import BulkStoreTests


class TestMemoryStore(BulkStoreTests):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
