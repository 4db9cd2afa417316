"""A deployment put together: every concrete class is built here, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from authz.audit import AuditLog
from authz.authorizations import AuthorizationStore
from authz.case_use import CaseUse
from authz.cases.clockwork import CaseClock
from authz.cases.overlay import Overlay
from authz.cases.register import CaseRegister
from authz.cases.sealed import Seal
from authz.clients import ClientRegister
from authz.consent.dialogue import ConsentDialogue
from authz.consent.register import ConsentRegister
from authz.consent.signing import Signer
from authz.consent.use import ConsentUse
from authz.dpop import Nonces
from authz.errors import ConfigurationError
from authz.keys import KeyRing, load_keys
from authz.lists import Lists
from authz.mandates import MandateRegister, load_mandates
from authz.news import News
from authz.notices import Notices
from authz.once import OnceOnly
from authz.operators import Operators
from authz.outcomes.book import OutcomeBook
from authz.outcomes.measures import MeasureBook
from authz.publicity import PublicityBook
from authz.receipts import ChunkBook, ReceiptBook
from authz.references import References
from authz.register.live import LiveRegister
from authz.review.desk import Desk
from authz.review.guard import UseGuard
from authz.review.public import PublicQuota
from authz.review.watch import Watch
from authz.revocations import Revocations
from authz.source_use import SourceUse
from authz.statistics.book import StatisticsBook
from authz.store import Store
from authz.tickets import Tickets
from authz.tokens import TokenVerifier
from catalogue.identifiers import SubjectKind
from catalogue.model import Catalogue, Locality
from connectors.protocol import Source
from connectors.registry import load_sources
from gateway.issuer import DiscoveredKeys, filed_keys
from gateway.oauth.authorizations import Authorizations
from gateway.parts import (
    audit_of,
    case_desk_of,
    catalogue_of,
    china_today,
    clients_of,
    locality_of,
    source_environment,
    terms_of,
)
from gateway.settings import Settings
from gateway.statistics import Names
from gateway.transparency import Transparency
from resolvers.context import IdentityAuthority, Services
from resolvers.planning import Planner
from resolvers.plans import Plans
from resolvers.representation import RegisteredRepresentatives, confirmers
from resolvers.schema import GraphSchema, build_schema
from resolvers.turns import Turns


@dataclass(frozen=True)
class Deployment:
    """What a process serves. Building it opens no connection; `running()` does."""

    settings: Settings
    catalogue: Catalogue
    locality: Locality
    keys: KeyRing
    clients: ClientRegister
    mandates: MandateRegister
    """Of the deployment's file; `register` knows those of the store too, and what was stopped."""
    register: LiveRegister
    verifier: TokenVerifier
    references: References
    sources: Mapping[str, Source]
    store: Store
    audit: AuditLog
    consents: ConsentRegister
    consent_use: ConsentUse
    signer: Signer
    once: OnceOnly
    grants: AuthorizationStore
    revocations: Revocations
    discovered: DiscoveredKeys | None
    """The external issuer's keys, where they are not in a file."""
    guard: UseGuard
    desk: Desk
    watch: Watch
    tickets: Tickets
    """What departments must correct."""
    representatives: RegisteredRepresentatives

    @cached_property
    def news(self) -> News:
        """Wakes those who wait for something new in the store."""
        return News(self.store)

    @property
    def nonces(self) -> Nonces:
        """Server nonces for DPoP."""
        return Nonces(self.keys)

    @cached_property
    def authorizations(self) -> Authorizations:
        """What waits for a person's decision at the authorization server."""
        return Authorizations(self.grants, self.clients, self.references, self.consents, self.settings.issuer)

    @cached_property
    def public_quota(self) -> PublicQuota:
        """What each address has left of the public channel."""
        return PublicQuota(self.settings.limits.public_subjects_per_minute)

    @cached_property
    def turns(self) -> Turns:
        """Of bulk checks."""
        return Turns()

    @cached_property
    def transparency(self) -> Transparency:
        """What anyone may know of how the gateway is used."""
        return Transparency(self.services.statistics, Names(self.catalogue, self.clients, self.sources))

    @cached_property
    def schema(self) -> GraphSchema:
        """The executable schema of this deployment's catalogue."""
        return build_schema(self.catalogue)

    @cached_property
    def consent_dialogue(self) -> ConsentDialogue:
        """What the authorization server and the pages ask people with."""
        return ConsentDialogue(self.consents, self.clients, self.references)

    @cached_property
    def services(self) -> Services:
        """What resolvers may use."""
        receipts = ReceiptBook(self.store, self.audit, self.keys, self.settings.public_url)
        return Services(
            catalogue=self.catalogue,
            locality=self.locality,
            sources=by_record_type(self.sources),
            identity=identity_authorities(self.sources),
            register=self.register,
            references=self.references,
            audit=self.audit,
            consents=self.consents,
            consent_use=self.consent_use,
            case_use=CaseUse(self.references),
            overlay=Overlay(self.store, self.references, Seal(self.keys)),
            cases=CaseRegister(
                self.store, self.audit, self.references, Seal(self.keys), self.representatives
            ),
            case_desk=case_desk_of(
                self.store, self.audit, self.keys, terms_of(self.settings, self.catalogue)
            ),
            guard=self.guard,
            desk=self.desk,
            public_quota=self.public_quota,
            signer=self.signer,
            once=self.once,
            tickets=self.tickets,
            receipts=receipts,
            chunks=ChunkBook(self.store, self.references),
            turns=self.turns,
            outcomes=OutcomeBook(self.store, self.audit, receipts, self.references),
            measures=MeasureBook(self.store, self.audit, self.references),
            statistics=StatisticsBook(self.store, self.audit),
            publicity=PublicityBook(self.store, self.audit),
            operators=Operators(self.clients, self.settings.audience, self.references, self.once),
            lists=Lists(self.audit, self.register, self.clients, self.catalogue),
            notices=Notices(self.store, self.news),
            plans=Plans(Planner(self.catalogue)),
            today=china_today,
        )

    def _case_clock(self) -> CaseClock:
        """Reminds and escalates while the process runs."""
        terms = terms_of(self.settings, self.catalogue)
        desk = case_desk_of(self.store, self.audit, self.keys, terms)
        return CaseClock(self.store, self.audit, desk, terms)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The store and the audit open, the sources closed behind."""
        async with AsyncExitStack() as stack:
            for source in self.sources.values():
                stack.push_async_callback(source.close)
            await stack.enter_async_context(self.store)
            await stack.enter_async_context(self.audit)
            await stack.enter_async_context(self.once)
            await stack.enter_async_context(self.tickets)
            if self.discovered:
                await stack.enter_async_context(self.discovered)
            await stack.enter_async_context(self.watch)
            await stack.enter_async_context(self.news)
            await stack.enter_async_context(self._case_clock())
            yield


def deploy(settings: Settings, environ: Mapping[str, str] = os.environ, *, demo: bool = False) -> Deployment:
    """Build a deployment; raises SettingsError, CatalogueError, ManifestError or ConfigurationError.

    Demo keys are refused unless `demo`: everyone knows them.
    """
    catalogue = catalogue_of(settings)
    keys = _keys_of(settings, demo=demo)
    locality = locality_of(settings, catalogue)
    clients = clients_of(settings, catalogue)
    references = References(keys)
    store = Store(settings.store.get_secret_value())
    audit = audit_of(settings, catalogue, keys, store)
    mandates = load_mandates(settings.mandates, catalogue)
    revocations = Revocations(store)
    discovered = DiscoveredKeys(settings.issuer, settings.discovery) if settings.discovery else None
    issuer_keys = discovered or (filed_keys(settings.jwks) if settings.jwks else keys.verification_keys)
    variables = source_environment(settings, environ)
    sources = load_sources(settings.sources, catalogue, variables, counter=SourceUse(store))
    tickets = Tickets(store, china_today)
    representatives = RegisteredRepresentatives(catalogue, confirmers(sources), audit, tickets)
    return Deployment(
        settings=settings,
        catalogue=catalogue,
        locality=locality,
        keys=keys,
        clients=clients,
        mandates=mandates,
        register=LiveRegister(store, catalogue, mandates),
        verifier=TokenVerifier(
            settings.issuer, settings.audience, issuer_keys, clients, references, revocations.holds
        ),
        references=references,
        sources=sources,
        store=store,
        audit=audit,
        consents=ConsentRegister(
            store, audit, references, Signer(keys), catalogue, clients, locality.code, representatives
        ),
        consent_use=ConsentUse(store, references, Signer(keys), catalogue),
        signer=Signer(keys),
        once=OnceOnly(store),
        grants=AuthorizationStore(store),
        revocations=revocations,
        discovered=discovered,
        guard=UseGuard(clients, references),
        desk=Desk(store, audit),
        watch=Watch(store, audit, clients),
        tickets=tickets,
        representatives=representatives,
    )


def _keys_of(settings: Settings, *, demo: bool) -> KeyRing:
    """Everyone knows the demo's keys, and its identity provider, by plain http, lets anybody be anybody."""
    keys = load_keys(settings.keys)
    if demo:
        return keys
    keys.refuse_demo()
    if settings.pages is None:
        return keys
    if settings.pages.provider.issuer.startswith("http://"):
        raise ConfigurationError(
            "PROVIDER_DEMO", "pages.provider.issuer", "Persons log in at a provider behind https only."
        )
    if settings.public_url.startswith("http://"):
        raise ConfigurationError("PAGES_HTTP", "url", "Pages for persons are served behind https only.")
    return keys


def by_record_type(sources: Mapping[str, Source]) -> dict[str, tuple[Source, ...]]:
    """Sources by the record types they serve."""
    found: dict[str, tuple[Source, ...]] = {}
    for source in sources.values():
        for code in source.record_types:
            found[code] = (*found.get(code, ()), source)
    return found


def identity_authorities(sources: Mapping[str, Source]) -> dict[SubjectKind, IdentityAuthority]:
    """The one source that confirms each kind of subject."""
    found: dict[SubjectKind, IdentityAuthority] = {}
    for source in sources.values():
        for kind, code in source.manifest.identity.items():
            if kind in found:
                raise ConfigurationError(
                    "IDENTITY_DUPLICATE", source.name, f"{kind.value} already has an identity authority"
                )
            found[kind] = IdentityAuthority(source, code)
    return found
