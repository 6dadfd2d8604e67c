"""The words that providers use for what became of a message, in our own few words.

A word that is not in the tables is `Status.UNKNOWN`, never an error: providers add words without notice.
Whether a status may replace another is not decided here.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of a message, or what its reader did."""

    QUEUED = "queued"  # the provider has it and has not passed it on
    SENT = "sent"  # passed on to the carrier or the receiving mail server
    DEFERRED = "deferred"  # the receiving side said "later"; the provider goes on trying
    DELIVERED = "delivered"  # the receiving side confirmed it
    UNDELIVERED = "undelivered"  # the receiving side did not take it, or the phone never got it
    FAILED = "failed"  # the provider gave up before it left
    CANCELED = "canceled"  # taken back before it left
    BOUNCED = "bounced"  # the mailbox refused it for good
    BLOCKED = "blocked"  # the receiving mail server refused it this time; the address may be fine
    DROPPED = "dropped"  # the provider refused to pass it on: on its own suppression list, or invalid
    OPENED = "opened"  # the message was displayed, by a person or by a machine
    CLICKED = "clicked"  # a link was followed, by a person or by a machine
    COMPLAINED = "complained"  # reported as spam
    UNSUBSCRIBED = "unsubscribed"  # asked the provider to stop
    RESUBSCRIBED = "resubscribed"  # took that back
    RECEIVED = "received"  # a message to us, not from us
    UNKNOWN = "unknown"  # a word that we do not know


TWILIO = {
    "accepted": Status.QUEUED,  # a Messaging Service has it and looks for a sender
    "scheduled": Status.QUEUED,  # to leave later
    "queued": Status.QUEUED,  # waits for the sender's turn
    "sending": Status.QUEUED,  # on its way to the carrier, who has not confirmed
    "sent": Status.SENT,  # the carrier took it; many carriers never say more
    "delivered": Status.DELIVERED,  # the carrier says that the phone has it
    "read": Status.OPENED,  # channels with read receipts only
    "partially_delivered": Status.SENT,  # some of it arrived; not enough to call it delivered
    "undelivered": Status.UNDELIVERED,  # the carrier says that the phone did not get it
    "failed": Status.FAILED,  # could not be sent at all
    "canceled": Status.CANCELED,  # a scheduled message was taken back
    "receiving": Status.RECEIVED,  # inbound, under way
    "received": Status.RECEIVED,  # inbound
}

SENDGRID = {
    "processed": Status.QUEUED,  # accepted and about to be delivered
    "deferred": Status.DEFERRED,  # the receiving server asked to try later
    "delivered": Status.DELIVERED,  # the receiving server took it
    "bounce": Status.BOUNCED,  # the receiving server refused it for good
    "blocked": Status.BLOCKED,  # a bounce's `type`: for its content or our reputation
    "dropped": Status.DROPPED,  # on a suppression list, invalid, or spam in SendGrid's eyes
    "open": Status.OPENED,  # the tracking pixel was loaded; mail clients do that by themselves
    "click": Status.CLICKED,  # a tracked link was loaded; scanners do that by themselves
    "spamreport": Status.COMPLAINED,  # marked as spam
    "unsubscribe": Status.UNSUBSCRIBED,  # from everything
    "group_unsubscribe": Status.UNSUBSCRIBED,  # from one group
    "group_resubscribe": Status.RESUBSCRIBED,  # back to one group
}


def twilio_status(word: str) -> Status:
    """Our word for Twilio's `MessageStatus`."""
    return TWILIO.get(word.lower(), Status.UNKNOWN)


def sendgrid_status(event: str, bounce_type: str | None = None) -> Status:
    """Our word for SendGrid's `event`; a bounce's `type` tells `bounce` from `blocked`."""
    if event == "bounce" and bounce_type == "blocked":
        return SENDGRID["blocked"]
    return SENDGRID.get(event, Status.UNKNOWN)
