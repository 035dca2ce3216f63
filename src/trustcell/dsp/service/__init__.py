"""The request manager over its ports."""

from trustcell.dsp.service.answers import Submission
from trustcell.dsp.service.manager import RequestManager
from trustcell.dsp.service.northbound import Reception
from trustcell.dsp.service.policy import Policy

__all__ = ["Policy", "Reception", "RequestManager", "Submission"]
