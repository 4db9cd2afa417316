import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics
from gateway.reports import OperationReport, Outcome, SourceReport
from tests.support.graph import CITIZEN, METRICS_TOKEN, NAME, TOKEN, asked, county


async def scraped(stage) -> dict[tuple[str, tuple], float]:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{stage.url}/metrics") as response,
    ):
        assert response.content_type == "text/plain"
        text = await response.text()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_operations_are_counted_by_outcome_code_and_source():
    person = "query ($l: PersonLookup!) { person(lookup: $l) { name penalties } }"
    lookup = {"l": {"citizenId": CITIZEN, "name": NAME}}
    async with county() as stage:
        for query, variables in (("{ hello }", None), (person, lookup), ("{ nothing }", None)):
            async with asked(stage, query, variables) as response:
                await response.read()
        async with asked(stage, "{ hello }", Authorization="Bearer forged") as response:
            assert response.status == 401
        found = await scraped(stage)

    def value(name: str, **labels: str) -> float:
        return found[name, tuple(sorted(labels.items()))]

    assert value("gateway_operations_total", kind="query", outcome="ok") == 1
    assert value("gateway_operations_total", kind="query", outcome="partial") == 1
    assert value("gateway_operations_total", kind="none", outcome="refused") == 2
    assert value("gateway_operation_seconds_count") == 4
    assert value("gateway_errors_total", code="SOURCE_TIMEOUT") == 1
    assert value("gateway_errors_total", code="GRAPHQL_VALIDATION") == 1
    assert value("gateway_denials_total") == 1
    assert value("gateway_source_answers_total", source="double-publicity", state="TIMEOUT") == 1
    assert value("gateway_source_seconds_count", source="double-publicity") == 1
    assert value("gateway_requests_in_flight") == 1


async def test_no_label_leads_to_a_person_or_a_client():
    query = "query Zhang($l: PersonLookup!) { person(lookup: $l) { name } }"
    async with county() as stage:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with asked(stage, query, {"l": {"citizenId": CITIZEN, "name": NAME}}, **headers) as response:
            assert response.status == 200
        labels = {label for _, pairs in await scraped(stage) for label in pairs}
    assert {name for name, _ in labels} <= {"kind", "outcome", "code", "source", "state", "le"}
    assert not {"Zhang", "approval-system", CITIZEN, NAME} & {value for _, value in labels}


def test_audit_events_are_counted():
    metrics = Metrics()
    metrics.audited("intent", written=True)
    metrics.audited("outcome", written=False)

    def value(phase: str, result: str) -> float | None:
        labels = {"phase": phase, "result": result}
        return metrics.registry.get_sample_value("gateway_audit_events_total", labels)

    assert value("intent", "written") == 1
    assert value("outcome", "failed") == 1


def test_two_registries_do_not_meet():
    one, other = Metrics(), Metrics()
    one.observe(OperationReport(Outcome.OK, 200, "query", sources=(SourceReport("tax", "OK", 0.01),)))
    labels = {"source": "tax", "state": "OK"}
    assert one.registry.get_sample_value("gateway_source_answers_total", labels) == 1
    assert other.registry.get_sample_value("gateway_source_answers_total", labels) is None


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", METRICS_TOKEN, f"bearer {METRICS_TOKEN} ", "Bearer é"]
)
async def test_without_the_token_there_are_no_metrics(authorization):
    headers = {"Authorization": authorization} if authorization else {}
    async with (
        county() as stage,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{stage.url}/metrics") as response,
    ):
        body = await response.json()
    assert response.status == 404
    assert [error["extensions"]["code"] for error in body["errors"]] == ["NOT_FOUND"]
