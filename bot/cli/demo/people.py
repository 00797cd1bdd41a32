"""Who is on the chat page, and the chats they share."""

from __future__ import annotations

from bot.sandbox.news import Cast, Person
from bot.sandbox.telegram import World

ADA, CAMILLE = 7001, 7002
GROUP, CHANNEL = -1007001000001, -1007001000002
_ALERTS, _TALK = 11, 12
CAST = Cast(
    people=(Person(ADA, "Ada", "operator and admin"), Person(CAMILLE, "Camille", "speaks French", language="fr")),
    shared=(GROUP, CHANNEL),
    admins=(ADA,),
    topics={GROUP: {_ALERTS: "Alerts", _TALK: "Talk"}},
)


def people_world(world: World) -> None:
    """Let the people and their chats be there; the bot is in none of them yet."""
    CAST.fill(world)
    group = world.add_group(GROUP, "Small-cap traders", {ADA}, is_forum=True)
    group.topics = {_ALERTS: True, _TALK: True}
    world.add_channel(CHANNEL, "Breakouts, daily", {ADA})


def invite(world: World) -> None:
    """Let Ada add the bot to the group and to the channel, where it introduces itself."""
    world.let_in(GROUP, ADA)
    world.let_in(CHANNEL, ADA, now="administrator")
