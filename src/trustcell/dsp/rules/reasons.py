"""From the reason a rule gives to the response code a user sees: one table, because most codes are assumed."""

from collections.abc import Mapping
from types import MappingProxyType

UNEXPECTED = "E100"
"""Proposed code for a fault inside the DCC (response-codes.csv)."""

RESPONSE_CODE: Mapping[str, str] = MappingProxyType(
    {
        # sourced: public reference page of response codes
        "unknown_user": "E1",
        "role_not_eligible": "E2",
        "user_not_active": "E3",
        "not_responsible": "E4",
        "device_status": "E5",
        "service_not_for_device": "E11",
        "command_variant_mismatch": "E12",
        "service_reference_mismatch": "E12",
        "wrong_address": "E13",
        "local_delivery_not_offered": "E17",
        "device_unknown": "E19",
        # our choice among the sourced ones: nothing says how a missing service is refused
        "service_not_offered": "E12",
        # proposed: the meaning of these codes could not be sourced
        "signer_unknown": "E49",
        "signer_not_originator": "E49",
        "pre_command_malformed": "E57",
        "pre_command_unknown": "E57",
        "pre_command_changed": "E57",
        "pre_command_other_service": "E57",
        "pre_command_signature": "E52",
        "counter_above_seq_number": "E58",
        "request_id_used": "E62",
        "counter_used": "E62",
        "nothing_to_cancel": "E31",
        "preceding_unknown": "E1000",
        "preceding_failed": "E1001",
        "preceding_differs": "E57",
        "illegal_move": "E62",
        "device_certificate_unknown": "E55",
        "broker_key_not_held": "E55",
        "no_replacement": "E061504",
        "no_top_up_cell": "E061501",
        "role_not_replaceable": "E061501",
        "slot_not_broker": "E062102",
        "slot_key_not_held": "E062102",
        "operator_not_a_user": "E062101",
        "operator_certificate_unknown": "E062101",
        "counter_exhausted": "E062103",
        "device_certificate_unfit": "E061505",
        "mpxn_not_of_device": "E062301",
        "not_gaining_supplier": "E062302",
        "schedule_not_offered": "E050101",
        "schedule_inconsistent": "E050102",
        "schedule_role_not_eligible": "E050103",
        "schedule_never_due": "E050105",
        "schedule_number_used": "E050107",
        "no_schedule_found": "E050201",
        "no_device_found": "E080201",
        "status_of_other_type": "E080405",
        "other_device_unknown": "E080702",
        "devices_cannot_join": "E080721",
        "other_device_not_installed": "E080722",
        "not_pre_notified": "E081101",
        "other_device_status": "E081102",
        "no_install_code": "E081104",
        "old_device_unknown": "E081202",
        "no_device_log": "E081204",
        "not_a_hub": "E081401",
        "no_device_for_firmware": "E110101",
        "same_id_for_hub_and_proxy": "E120201",
        "already_in_inventory": "E120203",
        "proxy_missing": "E120207",
        "proxy_of_no_hub": "E120207",
    }
)
"""Reason to response code."""

SIGNATURE_INVALID = "E48"
"""Every reason the XML signature rules give (proposed)."""


def response_code(reason: str, *, from_signature: bool = False) -> str:
    """The response code for a reason; unknown reasons are faults of ours."""
    return RESPONSE_CODE.get(reason, SIGNATURE_INVALID if from_signature else UNEXPECTED)
