"""What of a deployment its commands use without serving it: its catalogue, its clients, its audit log.

None of it knows the graph or a department's source, so that a command does not wait for either.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from importlib.metadata import version
from socket import gethostname

from dotenv import dotenv_values

from authz.audit import AuditLog, Origin
from authz.cases.clocks import Terms
from authz.cases.desk import CaseDesk
from authz.cases.sealed import Seal
from authz.clients import ClientRegister, load_clients
from authz.errors import ConfigurationError
from authz.keys import KeyRing
from authz.references import References
from authz.store import Store
from catalogue.lint import lint
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue, Locality
from catalogue.values import CHINA_TIME
from gateway.settings import Settings, SettingsError


def catalogue_of(settings: Settings) -> Catalogue:
    """The packaged catalogue with the deployment's own entries; a broken guardrail stops the start."""
    catalogue = load_catalogue(*([settings.catalogue] if settings.catalogue else []))
    problems = lint(catalogue)
    if problems:
        first = problems[0]
        raise ConfigurationError(
            first.code, first.where, f"{first.message} (`credit-gateway catalogue lint` lists all)"
        )
    return catalogue


def locality_of(settings: Settings, catalogue: Catalogue) -> Locality:
    """The profile that the clocks run by; raises SettingsError."""
    found = catalogue.localities.get(settings.locality)
    if found is None:
        known = ", ".join(sorted(catalogue.localities))
        raise SettingsError("BAD_VALUE", "locality", f"no such profile; there are {known}")
    return found


def clients_of(settings: Settings, catalogue: Catalogue) -> ClientRegister:
    """The clients of a deployment; raises ConfigurationError, for stewards of no department too."""
    register = load_clients(settings.clients)
    for client in register.clients.values():
        if client.department and client.department not in catalogue.departments:
            raise ConfigurationError("CLIENT_DEPARTMENT", client.client_id, "There is no such department.")
    return register


def audit_of(settings: Settings, catalogue: Catalogue, keys: KeyRing, store: Store) -> AuditLog:
    """The audit log of a deployment, in its store."""
    years = locality_of(settings, catalogue).query_log_years
    return AuditLog(store, keys, origin_of(catalogue), query_log_years=years)


def origin_of(catalogue: Catalogue) -> Origin:
    """Who writes the audit, and under which versions of code and catalogue."""
    return Origin(
        gateway_id="credit-subject-gateway",
        node=gethostname(),
        policy_version=version("credit-subject-gateway"),
        catalogue_version=catalogue.version,
    )


def case_desk_of(store: Store, audit: AuditLog, keys: KeyRing, terms: Terms) -> CaseDesk:
    """Cases as those who decide on them have them."""
    return CaseDesk(store, audit, References(keys), Seal(keys), terms)


def terms_of(settings: Settings, catalogue: Catalogue) -> Terms:
    """How long objections may take in a deployment."""
    return partial(catalogue.objection_clock, locality=locality_of(settings, catalogue))


def source_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that manifests refer to: the deployment's file, overruled by the process's own."""
    filed = dotenv_values(settings.environment) if settings.environment else {}
    return {**{name: value for name, value in filed.items() if value is not None}, **environ}


def china_today() -> date:
    """The civil day in China, whatever the host's zone."""
    return datetime.now(CHINA_TIME).date()
