"""The options of publish-subscribe: their names and types, for type checkers.

Times are in seconds. An option that is ``None`` keeps its default.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Buffer, Required

Slow = Literal["drop", "hold", "disconnect", "spill"]
"""What is done with a subscription whose program is slow: it loses the oldest, and is told; the publisher waits for it; its
subscriber is sent away, and told; or what it has not taken is kept on the publisher's disk, and when that is full the
publisher waits for it."""


class Stream(TypedDict, total=False):
    """Publications with numbers of their own."""

    name: Required[str]
    """1 to 255 bytes."""
    subjects: str | Sequence[str] | None
    """Patterns of the subjects that belong to it, unless they belong to a stream before it. All."""
    public: bool | None
    """Everybody may hear it, over the shared path. False."""
    history: int | None
    """How many of the last publications are kept for those who come late, or missed some. 10,000."""
    history_bytes: int | None
    """Bytes of those; each counts as 96 more. 64 MiB."""
    history_age: float | None
    """For how long they are kept, unless somebody is waited for who has yet to take them. 1 h."""
    disk_bytes: int | None
    """Bytes of those before them that are kept on disk: for subscriptions that spill, and for who lost some of the shared
    path. Needs ``disk`` of the publisher. 0."""
    last_values: int | None
    """Of how many subjects the last publication is kept in any case. 10,000."""


class PublisherOptions(TypedDict, total=False):
    """How a publisher is set up. Who comes beyond a bound is refused with ``Full``."""

    streams: Sequence[Stream] | None
    """The streams, in the order in which they are asked whether a subject is theirs: 1 to 1,000. One of all subjects,
    ``"main"``, which is not public."""
    shared: str | None
    """Where public streams leave once for all; without, they are sent to each subscriber by itself. None."""
    plain: str | None
    """Where plain SUB sockets hear public streams: the subject, and the frames. None."""
    entitlements: str | bytes | None
    """Who is let in and may hear what, in ZPL. None: everybody is, and may hear everything."""
    ask: float | None
    """The program is asked instead, by :class:`~zpatterns.pubsub.Asked`, and has so long for its answer, which is no if
    there is none. None."""
    news: bool | None
    """Whether the program is told who comes and goes, by ``Joined`` and ``Left``. False."""
    heartbeat_interval: float | None
    """How often connections are proved. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals one counts as broken. 3."""
    lease: float | None
    """For how long a subscriber is waited for and remembered after its last sign of life. 10 s."""
    max_keep: float | None
    """The longest ``keep`` that a subscriber gets. 1 day."""
    max_hold: float | None
    """For how long the publisher waits for a subscription that takes nothing: then it loses the oldest, and is told, until it
    takes again. 1 min."""
    gather: float | None
    """For how long what is published soon after other publications may wait for more, to leave together. 100 us."""
    max_subscribers: int | None
    """Subscribers, with those that are away. 10,000."""
    max_subscriptions: int | None
    """Subscriptions of one subscriber. 10,000."""
    max_all_subscriptions: int | None
    """Subscriptions of all. 2,000,000."""
    max_endpoints: int | None
    """Endpoints of subscribers that are connected to. 10,000."""
    max_plain: int | None
    """Endpoints that are open for plain SUB sockets of users. 100."""
    max_size: int | None
    """Bytes of a publication. 16 MiB."""
    max_bytes: int | None
    """Bytes of publications that are here, in histories and for subscribers; each counts as 96 more. 1 GiB."""
    disk: str | os.PathLike[str] | None
    """A folder for what streams keep on disk: in a file without a name, which goes with the publisher. None."""
    linger: float | None
    """How long closing waits until what is for connected subscribers has arrived. 1 s."""
    curve_secret_key: str | None
    """Subscribers must know the public key to this one, and have a key that the context's ``Authenticator`` lets in. None."""
    plain_server: bool | None
    """Connections show a user's name and a password, which the context's ``Authenticator`` lets in. False."""
    zap_domain: str | None
    """What the authenticator is asked for. None."""


class SubscriberOptions(TypedDict, total=False):
    """How a subscriber is set up."""

    name: str | None
    """By which the publisher knows it when it comes back after its lease has ended: 1 to 200 bytes. None: it does not."""
    keep: float | None
    """For how long the publisher keeps what is for it after that; at most as long as the publisher wants. 0."""
    user: str | bytes | None
    """Who it is, with ``password``. None."""
    password: str | bytes | None
    """At most 255 bytes. None."""
    token: str | bytes | None
    """Or what only it has. At most 16 KiB. None."""
    shared: str | None
    """Where the shared path is, if not where the publisher says: a proxy's address, for example. None."""
    endpoint: str | None
    """Where it wants what is for it alone, if not over the connection to the publisher: an endpoint that it binds. None."""
    heartbeat_interval: float | None
    """A publisher is asked for a sign of life after this much silence. 1 s."""
    heartbeat_limit: int | None
    """After how many silent intervals the connection counts as broken, and is made again. 3."""
    max_messages: int | None
    """Publications that may be here, and not yet taken by the program. 10,000."""
    max_bytes: int | None
    """Bytes of those; each counts as 96 more. 64 MiB."""
    snail_max_lag: int | None
    """It dies when its program has not taken so many publications of which it knows. None: never."""
    snail_max_age: float | None
    """It dies when its program has not taken for so long what it knows of. None: never."""
    curve_server_key: str | None
    """The publisher's public key, for CURVE. None."""
    curve_public_key: str | None
    """Its own. None."""
    curve_secret_key: str | None
    """Its own. None."""
    plain_username: str | None
    """What its connections show. None."""
    plain_password: str | None
    """What its connections show. None."""


class SubscriptionOptions(TypedDict, total=False):
    """What a subscription wants besides its subjects."""

    start: Literal["now", "last-values"] | None
    """It begins with what is published next, or with the last publication of each subject. ``"now"``."""
    last: int | None
    """Or with the last so many of each stream. None."""
    slow: Slow | None
    """What is done when the program is slow. ``"drop"``."""
    max_messages: int | None
    """It is slow when it has not taken so many publications. 10,000."""
    max_bytes: int | None
    """Or so many bytes. 64 MiB."""
    shared: bool | None
    """Public streams come over the shared path, if there is one. True."""
