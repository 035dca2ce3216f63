"""Stories: the modifications of the code book told with real octets, one process, no sockets and no sleep."""

from trustcell.stories.cast import Actor, Cast, KeyPair
from trustcell.stories.exchange import Carried, CellView, Exchange, Stage
from trustcell.stories.hierarchy import own_cast
from trustcell.stories.mp261 import Mp261Story, tell_mp261
from trustcell.stories.paperwork import Paperwork, RefusedRequest
from trustcell.stories.secmp0128a import Story, tell
from trustcell.stories.sold_network import SoldNetworkStage, SoldNetworkStory, tell_sold_network
from trustcell.stories.steps import Artifact, ArtifactKind, Step

__all__ = [
    "Actor",
    "Artifact",
    "ArtifactKind",
    "Carried",
    "Cast",
    "CellView",
    "Exchange",
    "KeyPair",
    "Mp261Story",
    "Paperwork",
    "RefusedRequest",
    "SoldNetworkStage",
    "SoldNetworkStory",
    "Stage",
    "Step",
    "Story",
    "own_cast",
    "tell",
    "tell_mp261",
    "tell_sold_network",
]
