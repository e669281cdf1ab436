"""The bytes of segments, keys and initialisation sections: real media of about the declared rate, the same for every channel, so
that they are made once.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.streams import media

FPS = 10  # pictures cost packets, and the channels here are thin
PACKET = media.PACKET
CONTENT_TYPES = {"ts": "video/mp2t", "fmp4": "video/mp4", "aac": "audio/aac"}


def container_of(rung: Any, container: str) -> str:
    """ts | fmp4 | aac: sound is packed audio whatever the pictures are in."""
    return "aac" if rung.kind == "audio" else container


def segment(rung: Any, n: int, seconds: float, container: str) -> bytes:
    """Segment n, which begins n * seconds after the begin of the media's own clock."""
    if rung.kind == "audio":
        return _sound(n, seconds)
    if rung.kind == "iframe":
        return _picture(n, seconds, 1 / FPS, container, rung.height, 0)
    return _picture(n, seconds, seconds, container, rung.height, int(rung.average / 8 * seconds))


@lru_cache(maxsize=2048)
def _picture(n: int, every_s: float, seconds: float, container: str, height: int, size: int) -> bytes:
    if container == "ts":
        return media.ts_segment(n * every_s, seconds, height=height, size=size, fps=FPS)
    return media.fmp4_segment(n * every_s, seconds, height=height, size=size, fps=FPS, sequence=n)


@lru_cache(maxsize=512)
def _sound(n: int, seconds: float) -> bytes:
    return media.adts_segment(n * seconds, seconds)


def init(rung: Any) -> bytes:
    return media.fmp4_init(rung.height, fps=FPS)


@lru_cache(maxsize=1024)
def key(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


@lru_cache(maxsize=1024)
def encrypted(body: bytes, with_key: bytes, n: int) -> bytes:
    """AES-128-CBC with PKCS7, as METHOD=AES-128 has it; the IV is the number of the segment."""
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(with_key), modes.CBC(n.to_bytes(16, "big"))).encryptor()
    return encryptor.update(padder.update(body) + padder.finalize()) + encryptor.finalize()
