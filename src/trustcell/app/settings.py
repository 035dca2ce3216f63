"""Settings, from the environment or a ``.env`` file."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from trustcell import duis


class Settings(BaseSettings):
    """Settings from the environment (``TRUSTCELL_...``) or a ``.env`` file; docs/reference/settings.md shows them."""

    model_config = SettingsConfigDict(env_prefix="TRUSTCELL_", env_file=".env", env_ignore_empty=True, extra="ignore")

    schema_folder: Path | None = Field(
        default=None,
        description="folder of the official DUIS and MMC schemas; DUIS messages are validated against them as well",
    )
    repository_api_keys: SecretStr = Field(
        default=SecretStr(""), description="API keys that clients of the repository may use, with spaces between them"
    )
    database: str = Field(default="", description="URL of a home's database")
    pin: SecretStr = Field(default=SecretStr(""), description="opens the keystores of a home")
    token: SecretStr = Field(default=SecretStr(""), description="token for the JSON API of a running server")


def official_schema() -> duis.Schema | None:
    """The official DUIS schema, when the settings name its folder."""
    folder = Settings().schema_folder
    return duis.load_schema(folder) if folder is not None else None
