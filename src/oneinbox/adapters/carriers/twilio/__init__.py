"""Twilio: elastic SIP trunks."""

from oneinbox.contracts.carriers import CarrierSpec

SPEC = CarrierSpec(
    provider="twilio",
    env_prefix="TWILIO",
    signalling_ranges=(
        "54.172.60.0/30",
        "54.244.51.0/30",
        "54.171.127.192/30",
        "35.156.191.128/30",
        "54.65.63.192/30",
        "54.169.127.128/30",
        "54.252.254.64/30",
        "177.71.206.192/30",
    ),
)
"""Ranges: twilio.com/docs/sip-trunking/ip-addresses, all regions, any of which may send."""
