"""The repository over HTTP: search, retrieval, revocation lists, key archive, as unmodified clients expect them."""

import hmac
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from trustcell.app.serve import RepositoryDoor
from trustcell.smki.rules.records import CertificateRecord, Family
from trustcell.vocab import Refused, TrustcellError, Unavailable, WireError
from trustcell.web import messages
from trustcell.web.bodies import BodyError, read_xml

_LOG = logging.getLogger("trustcell.web")
_XML = "application/xml; charset=utf-8"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NOTHING_FOUND = 402
_INVALID = 401
_ARCHIVE = "/assets/crypto/org-crypto.zip"

Answer = Callable[[str, bytes], bytes | None]
"""Takes the audit reference and the body, gives the response, or nothing when nothing was found."""


def repository_app(door: RepositoryDoor) -> Starlette:
    """The services of dcc-boxed-interface.md 4 and 5 over one repository; nothing is opened before it is asked for."""

    def search(reference: str, body: bytes) -> bytes | None:
        query = messages.read_search(body)
        now = door.clock()
        found = door.repository.search(query, now)
        if found.altered:
            raise Refused(found.altered)
        listed = _listed(door, [record for record in found.records if record.family is not Family.IKI])
        _LOG.info("%s search %s: %d certificates", reference, query.entity_id, len(listed))
        return messages.search_response(reference, listed) if listed else None

    def retrieve(reference: str, body: bytes) -> bytes | None:
        serial = messages.read_retrieval(body)
        record = door.repository.retrieve_serial(serial, door.clock())
        _LOG.info("%s retrieve %X: %s", reference, serial, "nothing" if record is None else record.issuer)
        if record is None or record.family is Family.IKI:
            return None
        return messages.retrieval_response(reference, _listed(door, [record])[0])

    return Starlette(
        routes=[
            Route("/services/certificatesearch", _service(door, "CertificateSearchResponse", search), methods=["POST"]),
            Route(
                "/services/retrievecertificate", _service(door, "CertificateDataResponse", retrieve), methods=["POST"]
            ),
            Route("/crl/{issuer}.crl", _revocation_list(door)),
            Route("/arl/{issuer}.crl", _revocation_list(door)),
            Route(_ARCHIVE, _archive(door)),
            Route("/health", _health(door)),
        ]
    )


def _listed(door: RepositoryDoor, records: list[CertificateRecord]) -> list[messages.Listed]:
    now = door.clock()
    flags = door.repository.in_pack(records)
    return [messages.Listed(record, record.status(now), flag) for record, flag in zip(records, flags, strict=True)]


def _service(door: RepositoryDoor, root: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        reference = f"{int(door.clock().timestamp())}-{door.random(5).hex()[:9]}"

        def refuse(status: int, message: str) -> Response:
            _LOG.info("%s refused with %d: %s", reference, status, message)
            octets = messages.failure_response(root, status, message, reference)
            return Response(octets, status, _HEADERS, _XML)

        if not _allowed(door, request.query_params.get("apikey", "")):
            return refuse(_INVALID, "Invalid API key")
        try:
            body = await read_xml(request)
            octets = await run_in_threadpool(answer, reference, body)
        except BodyError as error:
            return refuse(error.status, f"{error.reason} [{error.code}]")
        except WireError as error:
            return refuse(_INVALID, str(error))
        except Refused as error:
            return refuse(_INVALID if error.code == "serial_ambiguous" else 500, str(error))
        except Unavailable as error:
            return refuse(503, str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        if octets is None:
            return refuse(_NOTHING_FOUND, "Nothing found")
        return Response(octets, 200, _HEADERS, _XML)

    return endpoint


def _allowed(door: RepositoryDoor, key: str) -> bool:
    """Compare with every key there is, so that the time tells nothing."""
    matches = [hmac.compare_digest(key.encode(), each.encode()) for each in door.api_keys]
    return not matches or any(matches)


def _revocation_list(door: RepositoryDoor) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        issuer = request.path_params["issuer"]  # looked up by value; no file is opened by this name
        try:
            served = door.repository.served_list(issuer)
        except TrustcellError as error:
            return PlainTextResponse(f"{error}\n", 503, _HEADERS)
        if served is None:
            return PlainTextResponse("no list of this authority\n", 404, _HEADERS)
        return Response(served.der, 200, _HEADERS, "application/pkix-crl")

    return endpoint


def _archive(door: RepositoryDoor) -> Callable[[Request], Response]:
    def endpoint(_: Request) -> Response:
        if door.archive is None:
            return PlainTextResponse("keys are known in a lab only\n", 404, _HEADERS)
        return Response(door.archive, 200, _HEADERS, "application/zip")

    return endpoint


def _health(door: RepositoryDoor) -> Callable[[Request], Response]:
    def endpoint(_: Request) -> Response:
        try:
            head = door.repository.head()
        except TrustcellError as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, 503, _HEADERS)
        body = {"status": "ok", "environment": door.repository.environment.identifier, "audit": head.seq if head else 0}
        return JSONResponse(body, 200, _HEADERS)

    return endpoint
