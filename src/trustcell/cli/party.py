"""``trustcell party``: the register of parties and people."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from trustcell.cli.asking import read_role
from trustcell.cli.options import DEFAULT_HOME, AsPerson, AtMoment, HomeFolder, read_moment
from trustcell.cli.output import AsJson, lines, out, print_json, refusals
from trustcell.governance.rules.clauses import REGISTRATION
from trustcell.governance.rules.parties import Capacity, Party, PartyKind, Person
from trustcell.vocab import Eui64, Refused, RemotePartyRole

app = typer.Typer(help="Keep the register of parties and people, and look at it.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PARTY", help="The name of the party.")]
PersonName = Annotated[str, typer.Argument(metavar="PERSON", help="The name of the person.")]
Reference = Annotated[str, typer.Option(metavar="TEXT", help="The letter or record it is in.")]


@dataclass(frozen=True, slots=True)
class Entity:
    """An EUI-64 with its roles, as given on the command line."""

    eui: Eui64
    roles: frozenset[RemotePartyRole]


def _entity(text: str) -> Entity:
    entity, _, roles = text.partition("=")
    try:
        return Entity(Eui64.parse(entity), frozenset(read_role(each) for each in roles.split(",") if each))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Entities = Annotated[
    list[Entity] | None,
    typer.Option(
        "--eui", metavar="EUI-64=ROLE[,ROLE]", parser=_entity, help="An EUI-64 with its roles; may be repeated."
    ),
]
Subscribes = Annotated[
    list[str] | None,
    typer.Option(metavar="FAMILY", help="Authorised Subscriber for organisation, device or iki; may be repeated."),
]
ActsFor = Annotated[
    list[str] | None, typer.Option("--for", metavar="PARTY", help="A party the ARO acts for; may be repeated.")
]


def _roles(entities: list[Entity]) -> dict[Eui64, frozenset[RemotePartyRole]]:
    return {each.eui: each.roles for each in entities}


@app.callback()
def group() -> None:
    """Keep the register of parties and people, and look at it."""


@app.command()
@refusals
def add(
    name: Name,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What it is called.")],
    kind: Annotated[PartyKind, typer.Option(help="What it is under the SEC.")],
    person: AsPerson,
    eui: Entities = None,
    subscribes: Subscribes = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Add a party, as a registrar."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.add_party(
            books, credential, name, title=title, kind=kind, entities=_roles(eui or []), subscribes=subscribes or [],
            now=now,
        ),
    )  # fmt: skip
    _tell_party(made, now, as_json)


@app.command()
@refusals
def change(
    name: Name,
    person: AsPerson,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What it is called from now on.")] = "",
    eui: Entities = None,
    subscribes: Subscribes = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Change what a party is called, has and subscribes for, as a registrar; what is not named stays."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()

    def do(books: Any, credential: Any) -> Party:
        known = opened.governance.register(books).parties.get(name)
        return opened.governance.change_party(
            books, credential, name, title=title or (known.title if known else name),
            entities=_roles(eui) if eui else (known.entities if known else {}),
            subscribes=subscribes if subscribes else (known.subscribes if known else []), now=now,
        )  # fmt: skip

    _tell_party(act(opened, person, name, now, do), now, as_json)


@app.command()
@refusals
def user(
    name: Name,
    status: Annotated[bool, typer.Option("--yes/--no", help="Whether it is a DCC User.")],
    person: AsPerson,
    since: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="Since then; now without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Record whether a party is a DCC User, as a registrar."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.set_user_status(
            books, credential, name, user=status, since=since or now, now=now
        ),
    )  # fmt: skip
    _tell_party(made, now, as_json)


@app.command()
@refusals
def leave(
    name: Name,
    reference: Reference,
    person: AsPerson,
    since: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=read_moment, help="From then; now without it.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Give notice that a party will not be, or remain, a DCC User: it subscribes for nothing further."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.give_notice(
            books, credential, name, reference=reference, since=since, now=now
        ),
    )  # fmt: skip
    _tell_party(made, now, as_json)


@app.command()
@refusals
def stay(
    name: Name,
    reference: Reference,
    person: AsPerson,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw the notice of a party; both stay on record."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    made = act(
        opened, person, name, now,
        lambda books, credential: opened.governance.withdraw_notice(
            books, credential, name, reference=reference, now=now
        ),
    )  # fmt: skip
    _tell_party(made, now, as_json)


@app.command(name="person")
@refusals
def add_person(
    name: PersonName,
    title: Annotated[str, typer.Option(metavar="TEXT", help="How the person is called.")],
    identity: Annotated[
        str, typer.Option(metavar="TEXT", help="Who it is, the same for every account of one human being.")
    ],
    person: AsPerson,
    capacity: Annotated[list[Capacity] | None, typer.Option(help="May act so; may be repeated.")] = None,
    acts_for: ActsFor = None,
    delegate_of: Annotated[str, typer.Option(metavar="PERSON", help="On whose behalf the person acts.")] = "",
    organisation: Annotated[str, typer.Option(metavar="TEXT", help="O of the IKI certificate.")] = "",
    role: Annotated[
        RemotePartyRole | None,
        typer.Option(metavar="ROLE", parser=read_role, help="OU of the IKI certificate; other without it."),
    ] = None,
    csr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A request over the person's own key; else one is made here.")
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --csr where the certificate goes; else one the ICA has issued."),
    ] = None,
    token: Annotated[
        str,
        typer.Option(metavar="LABEL", help="The PKCS#11 token the key is made on, or is on under the person's name."),
    ] = "",
    module: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The PKCS#11 module that reaches the token.")
    ] = None,
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Add a person with a credential of its own, as a registrar."""
    from trustcell.app import registering
    from trustcell.app.home import open_home

    if bool(token) != (module is not None):
        raise typer.BadParameter("give --token and --module together")
    if token and (csr is not None or certificate is not None):
        raise typer.BadParameter("a key is on a token, or a request over it is in a file")
    opened = open_home(home)
    now = at or opened.now()
    new = registering.NewPerson(
        name=name,
        title=title,
        identity=identity,
        capacities=tuple(capacity or ()),
        acts_for=tuple(acts_for or ()),
        delegate_of=delegate_of,
        organisation=organisation,
        role=RemotePartyRole.OTHER if role is None else role,
        csr=csr,
        certificate=certificate,
        token=token,
        module=module,
    )
    _tell_person(registering.add_person(opened, person, new, now), now, as_json)


@app.command()
@refusals
def capacity(
    name: PersonName,
    person: AsPerson,
    grant: Annotated[Capacity | None, typer.Option(help="May act so from now on.")] = None,
    withdraw: Annotated[Capacity | None, typer.Option(help="May act so no longer.")] = None,
    acts_for: ActsFor = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for --withdraw.")] = "",
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Grant or withdraw a capacity, as a registrar; what a PMA member decided is void once withdrawn."""
    from trustcell.app.governing import act
    from trustcell.app.home import open_home

    if (grant is None) == (withdraw is None):
        raise typer.BadParameter("give either --grant or --withdraw")
    opened = open_home(home)
    now = at or opened.now()

    def do(books: Any, credential: Any) -> Person:
        if grant is not None:
            return opened.governance.grant(books, credential, name, grant, acts_for=acts_for or [], now=now)
        assert withdraw is not None
        return opened.governance.withdraw_capacity(books, credential, name, withdraw, reason=reason, now=now)

    _tell_person(act(opened, person, name, now, do), now, as_json)


@app.command()
@refusals
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A party or a person.")],
    home: HomeFolder = DEFAULT_HOME,
    at: AtMoment = None,
    as_json: AsJson = False,
) -> None:
    """Show a party or a person, as the register has it at a moment."""
    from trustcell.app.home import open_home

    opened = open_home(home)
    now = at or opened.now()
    with opened.store.reading() as books:
        register = opened.governance.register(books, now if at else None)
    party, person = register.parties.get(name), register.people.get(name)
    if party is not None:
        _tell_party(party, now, as_json)
    elif person is not None:
        _tell_person(person, now, as_json)
    else:
        message = f"{name} is neither a party nor a person of the register"
        raise Refused([REGISTRATION.breach("party_unknown", "name", message, "see: trustcell party list")])


@app.command(name="list")
@refusals
def list_all(home: HomeFolder = DEFAULT_HOME, at: AtMoment = None, as_json: AsJson = False) -> None:
    """List parties and people, as the register has them at a moment."""
    from trustcell.app.home import open_home
    from trustcell.app.registering import party_facts, person_facts

    opened = open_home(home)
    now = at or opened.now()
    with opened.store.reading() as books:
        register = opened.governance.register(books, now if at else None)
    parties = [party_facts(register.parties[name], now) for name in sorted(register.parties)]
    people = [person_facts(register.people[name], now) for name in sorted(register.people)]
    if as_json:
        print_json({"parties": parties, "people": people})
        return
    table = Table("party", "title", "kind", "EUI-64s", "DCC User", box=box.SIMPLE)
    for each in parties:
        status = "leaving" if each["leaving_since"] else {True: "yes", False: "no", None: ""}[each["dcc_user"]]
        row = (each["party"], each["title"], each["kind"], "\n".join(each["entities"]), status)
        table.add_row(*(escape(value) for value in row))
    out.print(table)
    table = Table("person", "title", "may", "for", "on behalf of", box=box.SIMPLE)
    for each in people:
        row = (
            each["person"],
            each["title"],
            ", ".join(each["capacities"]),
            ", ".join(each["acts_for"]),
            each["delegate_of"],
        )
        table.add_row(*(escape(value) for value in row))
    out.print(table)


def _tell_party(party: Party, now: datetime, as_json: bool) -> None:
    from trustcell.app.registering import party_facts

    report = party_facts(party, now)
    if as_json:
        print_json(report)
        return
    lines([f"party {report['party']}: {report['title']}, {report['kind']}"])
    lines(f"  {entity}  {', '.join(roles) or 'no role'}" for entity, roles in report["entities"].items())
    lines([f"  subscribes for {', '.join(report['subscribes']) or 'nothing'}"])
    lines(f"  {'DCC User' if each['user'] else 'no DCC User'} since {each['since']}" for each in report["user_history"])
    if report["leaving_since"]:
        lines([f"  gave notice that it leaves, since {report['leaving_since']}"])


def _tell_person(person: Person, now: datetime, as_json: bool) -> None:
    from trustcell.app.registering import person_facts

    report = person_facts(person, now)
    if as_json:
        print_json(report)
        return
    lines([f"person {report['person']}: {report['title']} ({report['identity']})"])
    lines(f"  {each} since {report['since'][each]}" for each in report["capacities"])
    lines(f"  no {each} since {when}" for each, when in report["withdrawn"].items())
    if report["acts_for"]:
        lines([f"  acts for {', '.join(report['acts_for'])}"])
    if report["delegate_of"]:
        lines([f"  on behalf of {report['delegate_of']}"])
    lines(f"  credential {each}" for each in report["certificates"])
