"""The numbers scripts rely on, and which one wins when several hold."""

from __future__ import annotations

from itertools import combinations

from console.exit_codes import ExitCode, most_telling

CONTRACT_ORDER = (2, 7, 6, 1, 3, 5, 4)


def test_of_any_two_codes_the_one_the_contract_names_first_wins() -> None:
    for first, second in combinations(CONTRACT_ORDER, 2):
        assert most_telling([ExitCode(second), ExitCode.OK, ExitCode(first)]) == first


def test_nothing_wrong_is_zero() -> None:
    assert most_telling([]) == most_telling([ExitCode.OK]) == 0
    assert ExitCode.INTERRUPTED == 130
