"""Long works over many devices, in waves: paused, killed and taken up again without doing anything twice."""

from trustcell.campaigns.rules.departure import Holding, Replacement
from trustcell.campaigns.rules.recovery import Method, RecoveryEvent
from trustcell.campaigns.rules.waves import Campaign, CampaignState, Limits, Progress, Target, TargetState
from trustcell.campaigns.service import Departure, Recovery

__all__ = [
    "Campaign",
    "CampaignState",
    "Departure",
    "Holding",
    "Limits",
    "Method",
    "Progress",
    "Recovery",
    "RecoveryEvent",
    "Replacement",
    "Target",
    "TargetState",
]
