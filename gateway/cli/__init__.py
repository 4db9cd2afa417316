"""`credit-gateway`: every command has `--help`, an exit code, and errors that say what to do next."""

from __future__ import annotations

import typer

from gateway.cli import (
    audit,
    case,
    catalogue,
    client,
    consent,
    db,
    demo,
    keys,
    mandate,
    operator,
    policy,
    query,
    receipt,
    report,
    review,
    scenario,
    schema,
    serve,
    source,
    stats,
    token,
)

app = typer.Typer(
    name="credit-gateway",
    help="One live, masked graph over the databases that departments already have.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("schema")(schema.schema)
app.command("token")(token.token)
app.command("operator")(operator.operator)
app.command("query")(query.query)
app.command("stats")(stats.stats)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(source.app, name="source")
app.add_typer(audit.app, name="audit")
app.add_typer(mandate.app, name="mandate")
app.add_typer(scenario.app, name="scenario")
app.add_typer(receipt.app, name="receipt")
app.add_typer(policy.app, name="policy")
app.add_typer(consent.app, name="consent")
app.add_typer(case.app, name="case")
app.add_typer(review.app, name="review")
app.add_typer(report.app, name="report")
app.add_typer(db.app, name="db")
app.add_typer(client.app, name="client")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Entry point of the console script."""
    app()
