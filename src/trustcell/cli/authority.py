"""``trustcell smki``: all of its commands, from the modules that have them."""

from trustcell.cli import repository, revocation
from trustcell.cli.batch import batch
from trustcell.cli.smki import smki_app as app
from trustcell.cli.smki_audit import bundle, verify_all

app.command()(batch)
app.command()(repository.search)
app.command()(repository.show)
app.command()(repository.export)
app.command("import")(repository.take_in)
app.add_typer(revocation.revoke, name="revoke")
app.command()(revocation.crl)
app.command()(revocation.archive)
app.command()(bundle)
app.command("verify-all")(verify_all)

__all__ = ["app"]
