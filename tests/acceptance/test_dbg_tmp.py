import sys
from datetime import *
from pathlib import Path
import pytest
from tests.acceptance.test_simulation_agrees import *
from tests.acceptance.conftest import servers
from tests.conftest import *

@pytest.mark.timeout(300)
async def test_dbg(servers, tmp_path, monkeypatch):
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    leads = a_file_of_leads(tmp_path / "leads.csv")
    people = People()
    options = Options(LEADS, campaign=CAMPAIGN, leads_file=leads, starts_at=MONDAY)
    async with EachSecond(tmp_path / "run", options, grain=timedelta(seconds=1), on_letter=people.read) as lock:
        people.lock = lock
        await lock.rig.launch()
        await lock.quiet()
        while lock.now < MONDAY+timedelta(minutes=62):
            nexts=[at for at in await lock._next_instants() if at > lock.now]
            print("NOW", lock.now, "NEXT", nexts, flush=True)
            await lock.step(lock._rounded(min(nexts+[a for a,_,_ in lock._acts[:1]])))
            for r in await lock.rig.query("select lead_id, mailbox_id, granted_at, grant_id from sends order by granted_at desc limit 2"): print("   ", dict(r), flush=True)

        from aiokafka import AIOKafkaConsumer
        from aiokafka import TopicPartition as TP
        c=AIOKafkaConsumer(bootstrap_servers=lock.rig.env["TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS"])
        await c.start()
        pre=lock.rig.env.get("TOUCHLINE_KAFKA_TOPIC_PREFIX","")
        for t in ("sends","grant-outcomes","send-results","due-sends"):
            tps=[TP(pre+t,i) for i in range(4)]
            c.assign(tps); await c.seek_to_beginning(*tps)
            for _ in range(6):
                for recs in (await c.getmany(timeout_ms=300)).values():
                    for r in recs:
                        j=json.loads(r.value)
                        print("REC",t,j.get("grant_id"),j.get("granted_at"),j.get("outcome"),j.get("used"),j.get("reason"),(j.get("touch") or j).get("lead_id"),(j.get("touch") or j).get("ask_no"),j.get("mailbox_id"), j.get("type"), j.get("due_at"), j.get("at"), flush=True)
        await c.stop()
