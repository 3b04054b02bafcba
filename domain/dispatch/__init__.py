"""When a touch may go, and from which mailbox (docs/behaviour.md 3).

`partition.PoolPartition` is a small discrete-event simulation of one partition of pools: asks come in, time moves
forward, grants come out, each at its own exact instant. `limits` says what blocks and until when, `lanes` keeps what
waits, `agenda` knows which lanes to try and when the others rise, `grants` remembers what was granted. Instants inside
are whole microseconds since 1970 (`instants`).
"""
