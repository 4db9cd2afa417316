"""The public channel has a quota for each address, and one address does not use up another's."""

import pytest

from authz.errors import QuotaExceeded
from authz.review.public import PublicQuota


class Timer:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_waits_for_its_next_subject() -> None:
    timer = Timer()
    quota = PublicQuota(60, timer)
    quota.spend("address 192.0.2.1", 58)
    quota.spend("address 192.0.2.1", 2)
    with pytest.raises(QuotaExceeded) as refused:
        quota.spend("address 192.0.2.1", 3)
    assert refused.value.retry_after == 3
    quota.spend("address 192.0.2.2", 60)
    timer.now = 3
    quota.spend("address 192.0.2.1", 3)
    with pytest.raises(QuotaExceeded):
        quota.spend("address 192.0.2.1", 1)


def test_more_than_there_ever_is_takes_all() -> None:
    timer = Timer()
    quota = PublicQuota(10, timer)
    quota.spend("a", 100)
    with pytest.raises(QuotaExceeded):
        quota.spend("a", 1)
