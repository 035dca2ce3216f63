"""Settings, from the environment or a ``.env`` file."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from trustcell import duis


class Settings(BaseSettings):
    """Settings from the environment (``TRUSTCELL_...``) or a ``.env`` file.

    ``schema_folder`` names a folder with the official DUIS and MMC schemas, which are not ours to ship; with it every
    DUIS message is validated against them as well. ``repository_api_keys`` are the API keys that clients of the
    repository may use, with spaces between them; without any, no key is asked for. ``database`` is the URL of a home's
    database, ``pin`` opens its keystores, ``token`` the JSON API of a running server.
    """

    model_config = SettingsConfigDict(env_prefix="TRUSTCELL_", env_file=".env", env_ignore_empty=True, extra="ignore")

    schema_folder: Path | None = None
    repository_api_keys: SecretStr = SecretStr("")
    database: str = ""
    pin: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")


def official_schema() -> duis.Schema | None:
    """The official DUIS schema, when the settings name its folder."""
    folder = Settings().schema_folder
    return duis.load_schema(folder) if folder is not None else None
