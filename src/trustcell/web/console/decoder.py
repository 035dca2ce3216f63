"""Paste a message, read it field by field with its octets beside it."""

from starlette.responses import Response

from trustcell.app.message_tree import Read, read_message
from trustcell.vocab import TrustcellError
from trustcell.web.console.visit import Page, Section, Visit


async def decoder(visit: Visit) -> Response:
    """An empty form."""
    return visit.page("decoder", text="", found=(), problem="")


async def decode(visit: Visit) -> Response:
    """What a message says; one that cannot be read is told where it stops making sense."""
    text, problem = visit.form.get("message", ""), ""
    found: list[Read] = []
    try:
        found = await visit.ask(read_message, text)
    except TrustcellError as error:
        problem = str(error)
    return visit.page("decoder", 200 if found else 400, text=text, found=found, problem=problem)


SECTIONS = (Section("Decoder", "/console/decoder", "tools"),)
PAGES = (Page("/console/decoder", decoder), Page("/console/decoder", decode, method="POST"))
