"""The embedded media plane: SIP and RTP in baresip's native threads, inside a voice worker."""

from oneinbox.adapters.media.embedded.plane import EmbeddedPlane

__all__ = ["EmbeddedPlane"]
