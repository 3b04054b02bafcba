"""Which partition a key belongs to: murmur2 modulo the count, as Java clients do (KafkaProducer's default partitioner)."""

from functools import lru_cache
from struct import unpack_from

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash of a key (seed 0x9747b28c), unsigned."""
    length = len(data)
    h = 0x9747B28C ^ length
    words = length >> 2
    for k in unpack_from(f"<{words}I", data):
        k = (k * _M) & _MASK
        h = ((h * _M) & _MASK) ^ (((k ^ (k >> 24)) * _M) & _MASK)
    tail = data[words << 2 :]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` in a topic of `partitions`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
