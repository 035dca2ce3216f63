"""Settings, from the environment or a ``.env`` file."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from trustcell import duis


class Settings(BaseSettings):
    """Settings from the environment (``TRUSTCELL_...``) or a ``.env`` file.

    ``schema_folder`` names a folder with the official DUIS and MMC schemas, which are not ours to ship; with it every
    DUIS message is validated against them as well.
    """

    model_config = SettingsConfigDict(env_prefix="TRUSTCELL_", env_file=".env", extra="ignore")

    schema_folder: Path | None = None


def duis_schema(settings: Settings) -> duis.Schema | None:
    """The official schema, when the settings name its folder."""
    return duis.load_schema(settings.schema_folder) if settings.schema_folder is not None else None
