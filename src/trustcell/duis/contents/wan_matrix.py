"""What 12.1 answers, in the list form that is new in 5.4."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from trustcell.duis.bodies import RequestWANMatrix
from trustcell.duis.lexical import BOOLEAN, DATE, free_text
from trustcell.duis.parts import Child
from trustcell.duis.shape import Content, Leaf, Shape, Shaped
from trustcell.duis.words import CSP_REGION, RESPONSE_CODE, CspRegion, words

MAX_REGIONS = 64
"""Most regions in one answer; the schema sets no bound, and there are eight."""


@dataclass(frozen=True, slots=True)
class DSPWANMatrixResponse(Content):
    """Coverage by one region: its code, then all or nothing of availability, technology and likelihood."""

    SHAPE: ClassVar[Shape] = (
        Leaf("CSPRegion", "csp_region", CSP_REGION),
        Leaf("CSPRegionResponseCode", "csp_region_response_code", RESPONSE_CODE),
        Leaf("CoverageAvailability", "coverage_availability", BOOLEAN, optional=True),
        Leaf("AnticipatedCoverageDate", "anticipated_coverage_date", DATE, optional=True),
        Leaf("WANTechnology", "wan_technology", free_text(1, 30), optional=True),
        Leaf("ConnectivityLikelihood", "connectivity_likelihood", words("High", "Medium", "Low"), optional=True),
        Leaf("AuxiliaryEquipmentRequired", "auxiliary_equipment_required", free_text(0, 50), optional=True),
        Leaf("AdditionalInformation", "additional_information", free_text(0, 250), optional=True),
    )

    csp_region: CspRegion
    csp_region_response_code: str
    coverage_availability: bool | None = None
    anticipated_coverage_date: date | None = None
    wan_technology: str | None = None
    connectivity_likelihood: str | None = None
    auxiliary_equipment_required: str | None = None
    additional_information: str | None = None

    def check_rule(self) -> None:
        """Hold all or nothing; raises ``ValueError``."""
        needed = (self.coverage_availability, self.wan_technology, self.connectivity_likelihood)
        more = (self.anticipated_coverage_date, self.auxiliary_equipment_required, self.additional_information)
        if None in needed and any(value is not None for value in (*needed, *more)):
            raise ValueError("coverage, technology and likelihood are given together")


@dataclass(frozen=True, slots=True)
class DSPWANMatrix(Shaped):
    """The answer to 12.1: the request again, and one entry for each region."""

    ELEMENT: ClassVar[str] = "DSPWANMatrix"
    SHAPE: ClassVar[Shape] = (
        Child("Request", "request", RequestWANMatrix),
        Child("DSPWANMatrixResponse", "regions", DSPWANMatrixResponse, most=MAX_REGIONS),
    )

    request: RequestWANMatrix
    regions: tuple[DSPWANMatrixResponse, ...]
