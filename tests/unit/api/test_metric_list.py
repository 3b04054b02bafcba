"""Every metric says what it is, what it means and what to do; the list, the page, the board and the alerts agree."""

import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from api.metric_list import FILE, OF_PROCESS, Metric, every_metric, main, page

ROOT = Path(__file__).resolve().parents[3]
METRICS = every_metric()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_a_kind_a_meaning_and_a_remedy(metric: Metric) -> None:
    assert metric.kind in {"counter", "gauge", "histogram"}
    assert metric.name.startswith("touchline_")
    assert metric.meaning[:1].isupper()
    assert metric.remedy.endswith("."), "say at which sign something is wrong, and what to do"


def test_no_metric_is_left_out_of_the_list() -> None:
    listed = {id(metric) for metrics in OF_PROCESS.values() for metric in metrics}
    declared: dict[str, int] = {}
    for package in ("agents", "api", "streams", "sinks", "domain"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if "metrics" in module.name:
                found = vars(import_module(module.name))
                declared |= {
                    f"{module.name}.{name}": id(one)
                    for name, one in found.items()
                    if isinstance(one, MetricWrapperBase)
                }
    assert declared
    assert {name for name, one in declared.items() if one not in listed} == set()


def test_metrics_are_declared_in_metrics_modules_only() -> None:
    kinds = ("Counter(", "Gauge(", "Histogram(")
    for package in ("agents", "api", "streams", "sinks", "domain"):
        for path in (ROOT / package).rglob("*.py"):
            if "metrics" not in path.name:
                assert not [kind for kind in kinds if f'{kind}\n    "touchline_' in path.read_text()], path


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert FILE.read_text("utf-8") == page()
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""
