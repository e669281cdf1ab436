"""The wall is started again however it ends, and nothing is left of it. Real processes on a real terminal."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.wall.pulse import Past, Pulse
from tests.console.wall.kept import is_gone, kept
from tests.e2e.waiting import until

LIVES = """
def shown(pulse, past):
    say("life", past.restarts, "is", os.getpid(), past.reason + "|")
    alive(pulse)
"""
RAW = """
import tty
def shown(pulse, past):
    if past.restarts:
        say("life", past.restarts, "is", os.getpid())
        alive(pulse)
    tty.setraw(0)
    os.write(1, b"\\x1b[?1049h\\x1b[?25l\\x1b[?1003hfrozen green \\x1b[38;5;")
    say("life 0 is", os.getpid())
    alive(pulse)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM], ids=lambda number: number.name)
def test_a_wall_that_is_killed_is_started_again_and_knows_why(number: signal.Signals) -> None:
    with kept(LIVES) as one:
        os.kill(one.child(0), number)
        assert one.says(r"life 1 is \d+ (.*?)\|")[1] == f"ended by {number.name}"
        os.kill(one.child(1), number)
        assert one.child(2) != one.child(1)


def test_the_terminal_of_one_that_was_killed_is_sane_before_the_next_has_it() -> None:
    with kept(RAW) as one:
        first = one.child(0)
        until(lambda: one.attrs != one.before, "the raw terminal")
        os.kill(first, signal.SIGKILL)
        one.says(r"\x18.*\?1003l.*\?25h.*\?1049l[\s\S]*the wall has ended \(ended by SIGKILL\)")
        one.child(1)
        assert one.attrs == one.before


def test_one_that_is_stuck_is_killed_and_every_threads_stack_is_kept(tmp_path: Path) -> None:
    body = """
def shown(pulse, past):
    pulse.stacks_to(Path(sys.argv[1]) / f"{past.restarts}.stacks")
    say("life", past.restarts, "is", os.getpid(), past.reason + "|")
    pulse.beat()
    if past.restarts:
        alive(pulse)
    def stands_still():
        while True: time.sleep(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stands_still()
"""
    with kept(body, "least_s=0.01, stuck_s=0.3", str(tmp_path)) as one:
        assert one.says(r"life 1 is \d+ (.*?)\|")[1] == "stuck: no frame for 0.3 s"
        assert is_gone(one.child(0))
        assert "in stands_still" in (tmp_path / "0.stacks").read_text()


def test_one_that_was_stopped_is_stuck_too() -> None:
    with kept(LIVES, "least_s=0.01, stuck_s=0.3, autopsy_s=0.1") as one:
        os.kill(one.child(0), signal.SIGSTOP)
        assert one.says(r"life 1 is \d+ (.*?)\|")[1].startswith("stuck")


def test_those_that_end_soon_are_started_ever_more_slowly_but_for_ever() -> None:
    body = """
def shown(pulse, past):
    pulse.beat()
    if past.restarts < 6:
        pulse.fault(f"KeyError: \\x1b[31m{past.restarts}")
        return 70
    say("life", past.restarts, "is", os.getpid())
    alive(pulse)
"""
    with kept(body) as one:
        one.child(6)
        told = [part.partition(" s")[0] for part in one.said.split("again in ")[1:]]
        assert told == ["0.01", "0.02", "0.04", "0.04", "0.04", "0.04"]
        assert "KeyError: [31m5" in one.said, "without the escape"


@pytest.mark.parametrize("code", [0, 130, 129])
def test_one_that_was_left_is_not_started_again(code: int) -> None:
    with kept(f"def shown(pulse, past):\n    pulse.beat()\n    return {code}") as one:
        assert one.ended() == code
        assert "started again" not in one.said


@pytest.mark.parametrize(("how", "code"), [("return 2", 2), ("return 70", 70), ("os.kill(os.getpid(), 9)", 137)])
def test_one_that_never_showed_anything_ends_with_its_code(how: str, code: int) -> None:
    with kept(f"def shown(pulse, past):\n    {how}") as one:
        assert one.ended() == code


def test_but_once_there_was_a_wall_it_is_tried_again_whatever_is_wrong() -> None:
    body = """
def shown(pulse, past):
    if past.restarts == 3:
        say("life", past.restarts, "is", os.getpid())
        alive(pulse)
    if not past.restarts:
        pulse.beat()
        return 70
    return 2
"""
    with kept(body) as one:
        one.child(3)
        assert "it ended with code 2" in one.said


def test_one_that_wishes_to_be_started_anew_is_and_it_counts_as_no_restart(tmp_path: Path) -> None:
    body = """
def shown(pulse, past):
    pulse.beat()
    mark = Path(sys.argv[1]) / "been"
    if not mark.exists():
        mark.touch()
        pulse.again("configuration changed")
        return 0
    say("life", past.restarts, "is", os.getpid())
    alive(pulse)
"""
    with kept(body, "", str(tmp_path)) as one:
        one.child(0)
        assert "started again" not in one.said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=["TERM", "INT", "HUP"]
)
def test_a_signal_to_the_keeper_ends_both(number: signal.Signals, code: int) -> None:
    body = """
def shown(pulse, past):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    say("life", past.restarts, "is", os.getpid())
    alive(pulse)
"""
    with kept(body) as one:
        child = one.child(0)
        one.process.send_signal(number)
        assert one.ended() == code
        assert is_gone(child)


def test_a_child_that_does_not_listen_is_killed_at_the_end() -> None:
    body = """
def shown(pulse, past):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("life", past.restarts, "is", os.getpid())
    alive(pulse)
"""
    with kept(body, "parting_s=0.2") as one:
        child = one.child(0)
        one.process.send_signal(signal.SIGTERM)
        assert one.ended() == 143
        assert is_gone(child)


def test_a_signal_while_it_rests_ends_it_at_once() -> None:
    with kept("def shown(pulse, past):\n    pulse.beat()\n    return 70", "least_s=60.0") as one:
        one.says("again in 60 s")
        one.process.send_signal(signal.SIGTERM)
        assert one.ended() == 143


def test_a_terminal_that_hangs_up_ends_everything() -> None:
    with kept(LIVES) as one:
        child = one.child(0)
        one.hang_up()
        assert one.process.wait(20) in (129, -signal.SIGHUP)
        until(lambda: is_gone(child), "the child to end")


def test_a_child_whose_keeper_was_killed_does_not_go_on_alone() -> None:
    with kept(LIVES) as one:
        child = one.child(0)
        one.process.kill()
        until(lambda: is_gone(child), "the child to end")


def test_no_descriptor_is_left_after_many_restarts() -> None:
    body = """
def shown(pulse, past):
    pulse.beat()
    if past.restarts in (1, 15):
        looks = []  # the least of many: the keeper may be about to close its end of our pipe, and what leaks stays
        for _ in range(100):
            looks.append(len(os.listdir(f"/proc/{os.getppid()}/fd")))
            time.sleep(0.002)
        say("life", past.restarts, "has", sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1], min(looks), "|")
    if past.restarts < 15:
        return 70
    say("life", past.restarts, "is", os.getpid())
    alive(pulse)
"""
    with kept(body, "least_s=0.001, most_s=0.001") as one:
        one.child(15)
        early, late = (one.says(rf"life {n} has (.*?)\|")[1] for n in (1, 15))
        assert early == late


def test_who_is_not_kept_has_a_pulse_that_says_nothing() -> None:
    pulse = Pulse()
    pulse.beat()
    pulse.fault("x")
    pulse.again("x")


class _Flight:
    frames = 0
    in_flight = False


def test_a_pulse_beats_for_a_frame_that_left_and_for_one_that_a_slow_terminal_has_yet_to_take() -> None:
    told, tell = os.pipe()
    pulse, flight = Pulse(tell), _Flight()
    os.set_blocking(told, False)

    def beats() -> int:
        try:
            return os.read(told, 100).count(b".")
        except BlockingIOError:
            return 0

    pulse.look(flight)
    pulse.look(flight)
    assert beats() == 1, "nothing has left since"
    flight.frames = 1
    pulse.look(flight)
    assert beats() == 1
    flight.in_flight = True
    pulse.look(flight)
    pulse.look(flight)
    assert beats() == 2
    os.close(told)
    os.close(tell)


def test_the_banner_says_how_often_when_and_why() -> None:
    at = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
    assert Past().banner(at) == ""
    assert Past(1, at, "ended by SIGKILL").banner(at) == "restarted once, last 02:14:07 UTC: ended by SIGKILL"
    past = Past(3, at, "stuck")
    assert past.banner(at + timedelta(days=3)) == "restarted 3 times, last 2026-11-22 02:14:07 UTC: stuck"
    assert past.is_recent(at + timedelta(minutes=9)) and not past.is_recent(at + timedelta(minutes=11))
