"""Telnyx: SIP connections."""

from oneinbox.contracts.carriers import CarrierSpec

SPEC = CarrierSpec(
    provider="telnyx",
    env_prefix="TELNYX",
    signalling_ranges=(
        "192.76.120.10/32",
        "64.16.250.10/32",
        "5.172.39.10/32",
        "5.172.39.25/32",
        "193.108.220.10/32",
        "193.108.220.25/32",
        "103.135.104.10/32",
        "103.135.104.25/32",
    ),
)
"""Ranges: sip.telnyx.com, all regions, any of which may send."""
