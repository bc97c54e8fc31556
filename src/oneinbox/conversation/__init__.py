"""What runs during a call: a CallPlan goes in, CallEvents come out."""
