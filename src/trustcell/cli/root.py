"""The root command and where its groups are; a group is imported when one of its commands is run."""

from typing import Annotated, ClassVar

import typer

from trustcell.cli.lazy import Lazy, LazyGroup


class _Root(LazyGroup):
    table: ClassVar = {
        "gbcs": Lazy("trustcell.cli.gbcs", "app", "Decode, verify, sign and MAC GBCS messages."),
        "duis": Lazy("trustcell.cli.duis", "app", "Sign, verify and check DUIS requests and responses."),
        "cert": Lazy("trustcell.cli.cert", "app", "Look at certificates, requests and revocation lists."),
        "csr": Lazy("trustcell.cli.csr", "app", "Make and look at requests for Organisation Certificates."),
        "party": Lazy("trustcell.cli.party", "app", "Keep the register of parties and people, and look at it."),
        "approval": Lazy(
            "trustcell.cli.approval", "app", "Ask for approvals, record views and decisions, look at them."
        ),
        "smki": Lazy(
            "trustcell.cli.authority", "app", "Ask for, issue, explain and look at Organisation Certificates."
        ),
        "audit": Lazy("trustcell.cli.audit", "app", "Show, export and verify the audit log."),
        "pack": Lazy("trustcell.cli.pack", "app", "Manufacturing packs: what fills the cells of a new device."),
        "story": Lazy("trustcell.cli.story", "app", "Stories told step by step with real octets."),
        "demo": Lazy(
            "trustcell.cli.demo",
            "demo",
            "Tell SECMP0128A with and without counter tracking, then MP261, and show what differs.",
        ),
        "init": Lazy(
            "trustcell.cli.init",
            "init",
            "Make a home: keys, Root and Issuing OCA, Root and Issuing DCA, ICA, audit key, and the registrar.",
        ),
        "calendar": Lazy(
            "trustcell.cli.calendar",
            "calendar",
            "Show everything that ends: certificates, keys of authorities, packs, approvals, lists, "
            "the last day to issue.",
        ),
        "lab": Lazy("trustcell.cli.lab", "app", "Labs of one's own: a PKI, users and devices to serve."),
        "account": Lazy("trustcell.cli.account", "app", "Accounts of the console: made, listed, unlocked, removed."),
        "token": Lazy("trustcell.cli.token", "app", "Tokens of the JSON API: made, listed, revoked."),
        "device": Lazy(
            "trustcell.cli.device", "app", "Virtual devices of a running server: make, show, break and mend them."
        ),
        "dsp": Lazy("trustcell.cli.dsp", "app", "The DSP's books of a home: requests, trails, counters, inventory."),
        "doctor": Lazy("trustcell.cli.doctor", "doctor", "Tell what is missing on this machine, and how to get it."),
        "upgrade": Lazy(
            "trustcell.cli.upgrade", "upgrade", "Bring the databases of a home to the tables of this version."
        ),
        "departure": Lazy(
            "trustcell.cli.departure", "app", "Departures of network operators: notice, replace, read, revoke."
        ),
        "sit": Lazy("trustcell.cli.sit", "app", "System integration tests: read them, extend them, run them."),
        "study": Lazy(
            "trustcell.cli.study", "app", "What-if: what a change of the rules would do, in numbers with bands."
        ),
        "report": Lazy(
            "trustcell.cli.report",
            "app",
            "Reports over the devices of a home: who has to put what right, by which clause.",
        ),
        "serve": Lazy(
            "trustcell.cli.serve",
            "serve",
            "Serve over HTTP until SIGINT or SIGTERM: the repository and the console; a lab also DUIS and the "
            "JSON API.",
        ),
    }


app = typer.Typer(
    name="trustcell",
    cls=_Root,
    help="Run the life of an organisation's credentials in GB smart metering: real formats, rules and cryptography.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from trustcell import installed_version

        typer.echo(f"trustcell {installed_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Run the life of an organisation's credentials in GB smart metering."""
