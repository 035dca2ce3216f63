"""Users and their callbacks, schedules, registration data, homes, health, and whose token this is."""

from datetime import UTC, datetime

from trustcell.app.callbacks import read_callback
from trustcell.app.doors import UserEntry
from trustcell.app.dsp_rows import registration_row, schedule_row
from trustcell.app.tokens import Role
from trustcell.dsp.rules.facts import Registration
from trustcell.dsp.rules.registration import registration_at
from trustcell.vocab import Eui64
from trustcell.web.api import models
from trustcell.web.api.table import OPERATORS, OVERSEERS, Call, Endpoint, NotThereError


def user_model(entry: UserEntry) -> models.User:
    """A user as the API shows it."""
    return models.User(eui=str(entry.entity), roles=sorted(entry.roles), status=entry.status, callback=entry.callback)


async def users(call: Call) -> models.Users:
    """Every user."""
    return models.Users(items=[user_model(each) for each in await call.door.operator.users()])


async def user(call: Call) -> models.User:
    """One user; a user may look at itself."""
    if call.principal.role is Role.USER and call.eui != call.principal.user:
        raise NotThereError
    found = next((each for each in await call.door.operator.users() if each.entity == call.eui), None)
    if found is None:
        raise NotThereError
    return user_model(found)


async def put_user(call: Call) -> models.User:
    """Register or change; the callback has to be an address that may be called (hostile input A8)."""
    facts: models.UserFacts = call.body
    callback = None if facts.callback is None else read_callback(facts.callback, call.door.callbacks)
    entry = UserEntry(call.eui, frozenset(facts.roles), facts.status, callback)
    await call.door.operator.put_user(entry, call.actor)
    return user_model(entry)


async def remove_user(call: Call) -> models.Removed:
    """Deregister."""
    if not await call.door.operator.remove_user(call.eui, call.actor):
        raise NotThereError
    return models.Removed(removed=str(call.eui))


async def schedules(call: Call) -> models.Schedules:
    """A user's schedules; a user sees its own."""
    if call.principal.role is Role.USER and call.eui != call.principal.user:
        raise NotThereError
    found = await call.ask(call.door.views.schedules, call.eui)
    return models.Schedules.model_validate({"items": [schedule_row(each) for each in found]})


async def registrations(call: Call) -> models.Registrations:
    """A user sees those of a metering point it is registered for now."""
    mpxn = call.path["mpxn"]
    found = await call.ask(call.door.views.registrations, mpxn)
    if call.principal.role is Role.USER:
        now = registration_at(found, mpxn, call.door.clock())
        if now is None or call.principal.user not in (now.supplier, now.network_operator):
            raise NotThereError
    return models.Registrations(items=[_registration(each) for each in found])


async def register(call: Call) -> models.Registration:
    """Take in one line."""
    line: models.Registration = call.body
    entry = Registration(
        line.mpxn, Eui64.parse(line.supplier), Eui64.parse(line.network_operator), _in_utc(line.begins)
    )
    await call.door.operator.register(entry, call.actor)
    return _registration(entry)


async def homes(call: Call) -> models.Homes:
    """Who holds which home."""
    found = await call.door.operator.homes()
    return models.Homes(items=[models.Home(name=each.name, owner=each.owner, until=each.until) for each in found])


async def health(call: Call) -> models.Health:
    """Component by component."""
    components = dict(call.door.engine.health())
    well = all(state == "ok" for state in components.values())
    return models.Health(status="ok" if well else "unavailable", components=components)


async def whoami(call: Call) -> models.Whoami:
    """Name and role of the token."""
    return models.Whoami(name=call.principal.name, role=call.principal.title)


def _registration(entry: Registration) -> models.Registration:
    return models.Registration.model_validate(registration_row(entry))


def _in_utc(moment: datetime) -> datetime:
    """A time without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


ENDPOINTS = (
    Endpoint("GET", "/api/whoami", "whoami", "Whose token this is.", whoami, models.Whoami),
    Endpoint("GET", "/api/health", "health", "How each component is.", health, models.Health, OVERSEERS),
    Endpoint("GET", "/api/homes", "homes", "Homes and their leases.", homes, models.Homes, OVERSEERS),
    Endpoint("GET", "/api/users", "users", "DCC Users.", users, models.Users, OVERSEERS),
    Endpoint("GET", "/api/users/{eui}", "user", "One DCC User.", user, models.User),
    Endpoint(
        "PUT", "/api/users/{eui}", "putUser", "Register or change a DCC User and its callback.", put_user, models.User,
        OPERATORS, body=models.UserFacts,
    ),
    Endpoint(
        "DELETE", "/api/users/{eui}", "removeUser", "Deregister a DCC User.", remove_user, models.Removed, OPERATORS
    ),
    Endpoint("GET", "/api/users/{eui}/schedules", "schedules", "A user's schedules.", schedules, models.Schedules),
    Endpoint(
        "GET", "/api/registrations/{mpxn}", "registrations", "Who is responsible for a metering point.", registrations,
        models.Registrations,
    ),
    Endpoint(
        "POST", "/api/registrations", "register", "Take in one line of registration data.", register,
        models.Registration, OPERATORS, body=models.Registration, status=201,
    ),
)  # fmt: skip
