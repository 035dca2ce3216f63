"""Which human beings somebody acts as: a second account, or a delegate, is no second person (hostile A3)."""

from collections.abc import Mapping

from trustcell.governance.rules.parties import Person


def humans(person: Person, people: Mapping[str, Person]) -> frozenset[str]:
    """The identities behind an account: its own and, along the chain, those it is a delegate of."""
    found, here = {person.identity}, person
    while (principal := people.get(here.delegate_of)) is not None and principal.identity not in found:
        found.add(principal.identity)
        here = principal
    return frozenset(found)


def act_as_one(first: str, second: str, people: Mapping[str, Person]) -> bool:
    """Whether two accounts stand for one person; an account nobody knows is nobody's."""
    one, other = people.get(first), people.get(second)
    return one is not None and other is not None and bool(humans(one, people) & humans(other, people))
