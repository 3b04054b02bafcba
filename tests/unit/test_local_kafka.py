"""The embedded broker's own small parts."""

from uuid import UUID

from api.local.kafka import new_cluster_id


def test_a_cluster_id_never_begins_like_an_option() -> None:
    drawn = iter([UUID(bytes=b"\xfb" + bytes(15)), UUID(bytes=b"\xf8" + bytes(15)), UUID(bytes=bytes(16))])
    assert new_cluster_id(lambda: next(drawn)) == "A" * 22
