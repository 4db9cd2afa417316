"""As whom `query --explain` decides: by the gateway's own rule, over what options and document say.

What only a case has (its number, purpose and declarations, the officer's assertion) is taken as in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLNonNull,
    GraphQLObjectType,
    NullValueNode,
    ValueNode,
    VariableNode,
)

from authz.actors import ANONYMOUS, Actor
from authz.consent.use import Claim
from authz.errors import AuthzError
from authz.grants import Grant, Statutory
from authz.mandates import CaseClaim, MandateRegister, require_officer
from gateway.cli.common import SUBJECTS, CommandError
from gateway.cli.policy import Registers, only
from resolvers.access import Represented, grant_of
from resolvers.planning import Walk

_UNSAID: Final = ""
"""The scenario where neither options nor variables say one."""


@dataclass(frozen=True, slots=True)
class Asker:
    """What the options say: on which basis, and about whom."""

    client: str | None
    scenario: str | None
    mandate: str | None
    own: bool
    subject: str

    def __post_init__(self) -> None:
        """Raises CommandError."""
        if self.subject not in SUBJECTS:
            raise CommandError("SUBJECT_KIND", f"--subject is one of {', '.join(SUBJECTS)}.")

    def actor(self, registers: Registers) -> Actor:
        """Who asks; raises CommandError, Unauthenticated."""
        return registers.person(self.client, step_up=False) if self.own else registers.actor(self.client)

    def grant(self, registers: Registers, walk: Walk, roots: Mapping[str, list[FieldNode]]) -> Grant | None:
        """The grant that the gateway would find, None where nothing needs one; raises CommandError."""
        actor, mandates = self.actor(registers), _AnyCase(registers.mandates.mandates)
        supposed = _Supposed(walk, self._access(mandates), personal=SUBJECTS[self.subject][1])
        try:
            found = grant_of(supposed, roots, actor, mandates, registers.day)
        except AuthzError as refusal:
            hint = " (no --self, no --client)" if actor == ANONYMOUS else ""
            message = f"As {self.told(actor)}{hint}: {refusal.message}"
            raise CommandError(refusal.code, message) from None
        if isinstance(found, Claim):
            raise CommandError(
                "CONSENT_NOT_EXPLAINED",
                "Consents stand in the store. `credit-gateway policy explain --consent` asks it.",
            )
        if isinstance(found, Represented):
            return registers.own(self.client, step_up=False)
        return found

    def told(self, actor: Actor, grant: Grant | None = None) -> str:
        """For whom is decided, in words."""
        client = "anyone" if actor == ANONYMOUS else f"client {actor.client_id}"
        if self.own:
            return f"the person themself, through {client}" if self.client else "the person themself"
        return f"{client} under mandate {grant.mandate.id}" if isinstance(grant, Statutory) else client

    def _access(self, mandates: MandateRegister) -> dict[str, Any]:
        """Members of the access context that options say."""
        named = (each.scenario for each in mandates.mandates if each.id == self.mandate)
        said = {"scenario": self.scenario or next(named, None), "legalBasisId": self.mandate}
        return {name: value for name, value in said.items() if value is not None}


class _AnyCase(MandateRegister):
    """The register, for any case of a mandate."""

    def grant(self, actor: Actor, claim: CaseClaim, today: date) -> Statutory:
        """The one mandate in force that is meant; raises AccessDenied, CommandError."""
        if claim.scenario == _UNSAID:
            require_officer(actor)
            raise CommandError("SCENARIO_REQUIRED", "Say which with --scenario, or give --variables.")
        return Statutory(actor, only(self.in_force(actor, claim, today)), "-", "-", granted_on=today)


class _Supposed(Walk):
    """Arguments of root fields with the access that options say, even without variables."""

    def __init__(self, walk: Walk, access: Mapping[str, Any], *, personal: bool) -> None:
        super().__init__(walk.schema, walk.fragments, walk.variables)
        self._access = access
        self._lookup: Mapping[str, Any] = {} if personal else {"uscc": ""}

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, Any]:
        """As they are, or as they may be where a variable was not given."""
        unsaid = {}
        try:
            found = super().arguments(type_name, node)
        except GraphQLError:
            found, unsaid = {"lookup": self._lookup}, {"scenario": _UNSAID}
        written = next((each.value for each in node.arguments or () if each.name.value == "access"), None)
        given = found.get("access")
        if written is None or (given is None and not self._access and self._absent(type_name, node, written)):
            return found
        return found | {"access": {**unsaid, **(given or {}), **self._access}}

    def _absent(self, type_name: str, node: FieldNode, written: ValueNode) -> bool:
        """Whether there is no access where no variable says one."""
        parent = self.schema.get_type(type_name)
        assert isinstance(parent, GraphQLObjectType)  # noqa: S101 - validated documents only
        optional = not isinstance(parent.fields[node.name.value].args["access"].type, GraphQLNonNull)
        return optional and isinstance(written, VariableNode | NullValueNode)
