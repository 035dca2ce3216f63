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
    console_url: str = Field(default="", description="address of the console as browsers reach it, for OpenID Connect")
    oidc_issuer: str = Field(default="", description="OpenID Provider at which people sign in to the console")
    oidc_client_id: str = Field(default="", description="what the provider calls the console")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="with which the console shows that it is")
    oidc_claim: str = Field(default="preferred_username", description="claim that holds the name of an account")
    token: SecretStr = Field(default=SecretStr(""), description="token for the JSON API of a running server")


def official_schema() -> duis.Schema | None:
    """The official DUIS schema, when the settings name its folder."""
    folder = Settings().schema_folder
    return duis.load_schema(folder) if folder is not None else None
