"""Work on several cores: results in order, items taken as they are needed, nothing left running."""

import os
from collections.abc import Iterator
from multiprocessing import active_children

import pytest

from headshrink import cores
from headshrink.cores import AHEAD, chunked, on_all_cores


@pytest.fixture(params=[1, 3])
def count(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(cores, "cores", lambda: request.param)
    return request.param


def test_results_come_in_the_order_of_the_items(count: int) -> None:
    offset = 7  # a closure is not sent, it is there
    results = list(on_all_cores(lambda item: (item + offset, os.getpid()), range(50)))
    assert [result for result, _ in results] == list(range(7, 57))
    assert (os.getpid() in {pid for _, pid in results}) == (count == 1)
    assert len({pid for _, pid in on_all_cores(lambda item: (item, os.getpid()), range(9), alone=True)}) == 1


def test_items_are_taken_as_they_are_needed(count: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = on_all_cores(abs, items())
    next(results)
    assert len(taken) <= AHEAD * count + 1
    results.close()  # type: ignore[attr-defined]
    assert not active_children()


def test_an_error_ends_all_processes(count: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(on_all_cores(lambda item: 1 // (5 - item), range(50)))
    assert not active_children()


def test_an_error_of_the_items_is_raised(count: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(on_all_cores(abs, items()))


def test_chunks_hold_all_items() -> None:
    assert list(chunked(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunked([], 2)) == []
