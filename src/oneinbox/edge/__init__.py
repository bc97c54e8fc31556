"""The SIP front door: bytes and `now` go in; bytes, questions and verdicts come out; no I/O inside."""
