"""How a message leaves the house, and how a provider answers. Knows no patient and no journey.

A channel takes a finished message (`base.SmsOut`, `base.EmailOut`) and answers with what one attempt proved
(`base.Outcome`). It retries nothing, logs nothing and keeps no state except its open connections.
"""
